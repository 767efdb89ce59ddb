//! The operations that there are, read from the description of the API, so that new ones are tried as they come.

use std::sync::Arc;

use serde_json::Value;

/// The methods that a description has operations for.
const METHODS: [&str; 4] = ["get", "post", "patch", "delete"];

/// Every operation, and the schemas that their bodies refer to.
#[derive(Debug, Clone)]
pub(crate) struct Operations {
    pub(crate) all: Vec<Operation>,
    pub(crate) schemas: Arc<Value>,
}

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) method: String,
    /// With its parameters in braces.
    pub(crate) path: String,
    /// The names of its parameters in the query.
    pub(crate) query: Vec<String>,
    /// The schema of its body, where it has one.
    pub(crate) body: Option<Value>,
}

impl Operations {
    /// Reads a description.
    pub(crate) fn read(description: &Value) -> Self {
        let mut all = Vec::new();
        for (path, item) in description["paths"].as_object().unwrap() {
            for method in METHODS {
                if let Some(operation) = item.get(method) {
                    all.push(Operation::read(method, path, operation));
                }
            }
        }
        // What is served beside the API.
        for path in [
            "/",
            "/docs",
            "/docs/",
            "/docs/swagger-ui.css",
            "/openapi.json",
            "/nothing",
        ] {
            all.push(Operation::read("get", path, &Value::Null));
        }
        Self {
            all,
            schemas: Arc::new(description["components"]["schemas"].clone()),
        }
    }
}

impl Operation {
    fn read(method: &str, path: &str, operation: &Value) -> Self {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let query = parameters.filter(|one| one["in"] == "query");
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        Self {
            method: method.to_uppercase(),
            path: path.to_owned(),
            query: query
                .map(|one| one["name"].as_str().unwrap().to_owned())
                .collect(),
            body: Some(schema.clone()).filter(Value::is_object),
        }
    }
}
