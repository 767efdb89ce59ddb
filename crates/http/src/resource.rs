//! A resource: one path with its methods. GET answers HEAD too, and any other method is 405 with `Allow`.

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{FromRequest, Handler, Resource, Responder, web};

use crate::error::{Code, Problem};

/// Builds a resource method by method.
pub(crate) struct Methods {
    resource: Resource,
    allowed: Vec<&'static str>,
}

/// A resource at this path.
pub(crate) fn resource(path: &'static str) -> Methods {
    Methods {
        resource: web::resource(path),
        allowed: Vec::new(),
    }
}

macro_rules! method {
    ($(#[$attribute:meta])* $name:ident, $text:literal) => {
        $(#[$attribute])*
        pub(crate) fn $name<F, Args>(mut self, handler: F) -> Self
        where
            F: Handler<Args>,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            self.resource = self.resource.route(web::$name().to(handler));
            self.allowed.push($text);
            self
        }
    };
}

impl Methods {
    pub(crate) fn get<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args> + Clone,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.resource = self
            .resource
            .route(web::get().to(handler.clone()))
            .route(web::head().to(handler));
        self.allowed.extend(["GET", "HEAD"]);
        self
    }

    method!(post, "POST");
    method!(
        #[allow(
            dead_code,
            reason = "whether it is needed depends on the modules of the build"
        )]
        put,
        "PUT"
    );
    method!(patch, "PATCH");
    method!(delete, "DELETE");

    pub(crate) fn options<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.resource = self
            .resource
            .route(web::method(Method::OPTIONS).to(handler));
        self.allowed.push("OPTIONS");
        self
    }

    /// Names a method that is answered before a request is routed.
    pub(crate) fn ahead(mut self, method: &'static str) -> Self {
        self.allowed.push(method);
        self
    }

    /// The finished resource.
    pub(crate) fn build(self) -> Resource {
        let allowed = self.allowed.join(", ");
        self.resource.default_service(web::to(move || {
            let problem = not_allowed(&allowed);
            async move { Err::<&'static str, _>(problem) }
        }))
    }
}

fn not_allowed(allowed: &str) -> Problem {
    let problem = Problem::new(
        Code::MethodNotAllowed,
        format!("this path knows the methods {allowed}"),
    );
    match HeaderValue::from_str(allowed) {
        Ok(value) => problem.with(header::ALLOW, value),
        Err(_) => problem,
    }
}
