//! Who gets what: rules and splits as they are written, the segments that have them, and the overrides for these.
//!
//! [`super::evaluation`] compiles and evaluates them; [`service`] is the way in for management.

pub mod check;
pub mod overrides;
pub mod ports;
pub mod prerequisites;
pub mod priority;
pub mod rule;
pub mod seed;
pub mod segment;
pub mod service;
pub mod variant;

pub use check::{Misplaced, check_rules};
pub use overrides::{
    ChangeOverride, CreateOverride, NewOverride, Override, OverrideSeeds, SegmentTarget, Target,
    TargetName,
};
pub use ports::TargetingRepository;
pub use priority::Priority;
pub use rule::{Condition, ConditionValue, Rule, RuleKind};
pub use seed::SplitSeed;
pub use segment::{ChangeSegment, CreateSegment, Segment};
pub use service::TargetingService;
pub use variant::{Percentage, Share, Split, Variant, Variants, check_split};
