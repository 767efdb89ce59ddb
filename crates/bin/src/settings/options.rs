//! Where to look for the configuration: the only place that reads the process environment.
//! Everything after it (`layers.rs`) works on the map in here, so that tests need not touch the process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// Where to look for the configuration.
#[derive(Clone, Default)]
pub(crate) struct LoadOptions {
    /// The directory with the configuration files. One that is named must be there; `None` is `./config`, if there.
    pub config_dir: Option<PathBuf>,
    /// The profile. One that is named must have a file or be compiled in; `None` is the file of `development`, if there.
    pub profile: Option<String>,
    /// The environment variables; those that do not begin with `FLAGSTAFF` play no part.
    pub environment: BTreeMap<String, OsString>,
}

impl LoadOptions {
    /// Options from the command line's `--config-dir` and an environment: `FLAGSTAFF_CONFIG_DIR` where the command line
    /// says nothing, and `FLAGSTAFF_PROFILE`. Empty variables count as unset.
    pub(crate) fn new(
        config_dir: Option<PathBuf>,
        environment: BTreeMap<String, OsString>,
    ) -> Self {
        let named = |name| environment.get(name).filter(|value| !value.is_empty());
        Self {
            config_dir: config_dir.or_else(|| named("FLAGSTAFF_CONFIG_DIR").map(PathBuf::from)),
            profile: named("FLAGSTAFF_PROFILE").map(|name| name.to_string_lossy().into_owned()),
            environment,
        }
    }

    /// [`LoadOptions::new`] with the environment of this process.
    pub(crate) fn from_process(config_dir: Option<PathBuf>) -> Self {
        let named = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.to_ascii_uppercase().starts_with("FLAGSTAFF"));
        Self::new(config_dir, named.collect())
    }
}

/// Shows the variables' names alone: their values may be secrets.
impl fmt::Debug for LoadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadOptions")
            .field("config_dir", &self.config_dir)
            .field("profile", &self.profile)
            .field("environment", &self.environment.keys())
            .finish()
    }
}
