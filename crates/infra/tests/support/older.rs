//! Flags as they were stored before there were variants, and what has become of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;

use flagstaff_domain::flags::{HashKey, Seed};

/// Two environments with twenty flags each.
pub(crate) const OLD_FLAGS: &str = "
    INSERT INTO environments (id, name, name_folded, description, created_at, revision, revised_at, version)
    VALUES (1, 'a', 'a', '', 1, 1, 1, 1), (2, 'b', 'b', '', 1, 1, 1, 1);
    INSERT INTO features (id, name, name_folded, description, kind, initial_value, default_enabled, server_key_only, tags,
        created_at, version)
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20)
    SELECT n, 'f' || n, 'f' || n, '', 'STANDARD', 'null', 1 = 1, 1 = 0, '[]', 1, 1 FROM numbers;
    INSERT INTO flags (environment_id, feature_id, enabled, value, updated_at, version)
    SELECT e.id, f.id, 1 = 1, 'null', 1, 1 FROM environments e CROSS JOIN features f;";

/// Checks that each flag got a seed, and each environment a hash key, that no other has.
pub(crate) fn each_has_its_own(seeds: &[String], hash_keys: &[String]) {
    for seed in seeds {
        Seed::parse(seed).unwrap();
    }
    for key in hash_keys {
        HashKey::parse(key).unwrap();
    }
    let different: HashSet<&String> = seeds.iter().chain(hash_keys).collect();
    assert_eq!((seeds.len(), hash_keys.len()), (40, 2));
    assert_eq!(different.len(), 42);
}
