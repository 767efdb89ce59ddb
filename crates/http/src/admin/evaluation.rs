//! `/api/admin/environments/{environment}/evaluate`: what somebody gets, and why.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::{HttpResponse, web};
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::evaluation::subject::{NAME_MAX, TEXT_MAX, TRAITS_MAX, fits};
use flagstaff_domain::flags::evaluation::{Identity, TraitValue};
use flagstaff_domain::flags::{FlagError, Snapshot};
use flagstaff_domain::text::{EnvironmentName, FeatureName};
use serde::Deserialize;
use utoipa::ToSchema;

use super::explanation::EvaluationRecord;
use super::schema;
use crate::app::Services;
use crate::auth::Viewer;
use crate::error::Problem;
use crate::json::Body;
use crate::names::Names;

/// Whom to evaluate for; without an identifier, what everybody gets who has no identity.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Evaluate {
    /// The identity, as the application names it.
    #[schema(min_length = 1, max_length = 2000, pattern = r"^[^\x00]*$")]
    identifier: Option<String>,
    /// What is known of it, besides what is remembered.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, schema::TraitValue>, required = false)]
    traits: BTreeMap<String, TraitValue>,
    /// One feature alone.
    #[schema(value_type = Option<schema::Name>)]
    feature: Option<FeatureName>,
    /// The instant that `$.now` means; now unless told.
    #[schema(value_type = Option<String>, format = DateTime)]
    now: Option<Timestamp>,
}

impl Evaluate {
    fn identity(
        self,
        services: &Services,
        snapshot: &Snapshot,
    ) -> Result<Option<Identity>, Problem> {
        let Some(identifier) = self.identifier else {
            if self.traits.is_empty() {
                return Ok(None);
            }
            return Err(Problem::field(
                "identifier",
                "is missing: traits are those of an identity",
            ));
        };
        if identifier.is_empty() || !fits(&identifier, TEXT_MAX) || identifier.contains('\0') {
            let message = format!("must have 1 to {TEXT_MAX} characters, none of them NUL");
            return Err(Problem::field("identifier", message));
        }
        check(&self.traits)?;
        let key = &snapshot.program.definition().key;
        let remembered = services.identities.traits(snapshot, &identifier);
        let mut traits = Arc::unwrap_or_clone(remembered);
        traits.extend(self.traits);
        Ok(Some(Identity::new(key, identifier, traits)))
    }
}

fn check(traits: &BTreeMap<String, TraitValue>) -> Result<(), Problem> {
    if traits.len() > TRAITS_MAX {
        let message = format!("must be at most {TRAITS_MAX}");
        return Err(Problem::field("traits", message));
    }
    for (name, value) in traits {
        if name.is_empty() || !fits(name, NAME_MAX) {
            let message = format!("must have names of 1 to {NAME_MAX} characters");
            return Err(Problem::field("traits", message));
        }
        if let TraitValue::Text(text) = value
            && !fits(text, TEXT_MAX)
        {
            let message = format!("must have at most {TEXT_MAX} characters");
            return Err(Problem::field(format!("traits.{name}"), message));
        }
    }
    Ok(())
}

/// Say what somebody gets, and why
///
/// For an identity with these traits and those that this server remembers of it, or for nobody in particular: every flag
/// with the override that won, the rules and conditions that held or did not, and the bucket. Nothing is counted or
/// remembered.
#[utoipa::path(post, path = "/api/admin/environments/{environment}/evaluate", tag = "flags", request_body = Evaluate,
    params(("environment" = schema::Name, Path, description = "The environment's name")),
    responses((status = 200, description = "What it gets", body = EvaluationRecord)))]
pub(crate) async fn evaluate(
    _: Viewer,
    services: web::Data<Services>,
    environment: Names<EnvironmentName>,
    body: Body<Evaluate>,
) -> Result<HttpResponse, Problem> {
    let snapshot = services
        .serving
        .find_environment(&environment.0)?
        .ok_or(FlagError::EnvironmentNotFound(environment.0))?;
    let feature = match &body.0.feature {
        Some(name) => Some(
            snapshot
                .find(name)
                .ok_or_else(|| FlagError::FeatureNotFound(name.clone()))?,
        ),
        None => None,
    };
    let now = body.0.now.unwrap_or_else(|| services.serving.now());
    let identity = body.0.identity(&services, &snapshot)?;
    // Beside the threads that serve flags: with many overrides there is much to tell.
    let record = services
        .blocking
        .read(move || {
            let record = EvaluationRecord::of(&snapshot, identity.as_ref(), now, feature);
            serde_json::to_string(&record)
                .map_err(|error| Problem::internal(std::sync::Arc::new(error)))
        })
        .await?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(record))
}
