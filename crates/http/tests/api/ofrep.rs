//! OFREP: what OpenFeature's providers ask. [`single`] is one flag, [`bulk`] all of them, [`keys`] who may ask, [`refused`]
//! what is no evaluation.

mod bulk;
mod keys;
mod refused;
mod single;

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Api, Ask};

/// Evaluates all flags.
const BULK: &str = "/ofrep/v1/evaluate/flags";

/// A feature of every kind: its name, value and state.
fn kinds() -> [(&'static str, Value, bool); 10] {
    [
        ("boolean", json!(true), true),
        ("disabled", json!("still has a value"), false),
        ("float", json!(0.25), true),
        ("integer", json!(-7), true),
        ("list", json!([1, "two", {"three": null}]), true),
        ("object", json!({"theme": "dark", "limits": [1, 2.5]}), true),
        ("off", json!(null), false),
        ("on", json!(null), true),
        ("text", json!("Grüße \"quoted\"\n"), true),
        ("whole_float", json!(2.0), true),
    ]
}

impl Api {
    /// With one feature of every kind, and the text of a client key.
    async fn of_every_kind() -> (Self, String) {
        let (api, key) = Self::production().await;
        for (name, value, enabled) in kinds() {
            let feature = json!({"name": name, "initial_value": value, "default_enabled": enabled});
            api.create("/api/admin/features", feature).await;
        }
        (api, key)
    }

    /// A request for this flag, for `user-1`.
    fn flag(&self, name: &str) -> Ask<'_> {
        self.evaluate(&format!("{BULK}/{name}"))
    }

    /// A request at this path, for `user-1`.
    fn evaluate(&self, path: &str) -> Ask<'_> {
        let context = json!({"context": {"targetingKey": "user-1"}});
        self.ask(Method::POST, path).json(context)
    }
}
