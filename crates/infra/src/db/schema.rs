//! The tables as diesel sees them; `migrations/` creates them. Portable types alone.

diesel::table! {
    log_head (id) {
        id -> BigInt,
        seq -> BigInt,
    }
}

diesel::table! {
    changes (seq) {
        seq -> BigInt,
        group_seq -> BigInt,
        at -> BigInt,
        actor -> Text,
        context -> Text,
        kind -> Text,
        subject -> Text,
        environment_id -> Nullable<BigInt>,
        environment -> Nullable<Text>,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
    }
}

diesel::table! {
    environments (id) {
        id -> BigInt,
        name -> Text,
        name_folded -> Text,
        description -> Text,
        created_at -> BigInt,
        revision -> BigInt,
        revised_at -> BigInt,
        version -> BigInt,
        hash_key -> Text,
    }
}

diesel::table! {
    features (id) {
        id -> BigInt,
        name -> Text,
        name_folded -> Text,
        description -> Text,
        kind -> Text,
        initial_value -> Text,
        default_enabled -> Bool,
        server_key_only -> Bool,
        tags -> Text,
        created_at -> BigInt,
        version -> BigInt,
        archived -> Bool,
        stale -> Bool,
    }
}

diesel::table! {
    variants (id) {
        id -> BigInt,
        feature_id -> BigInt,
        key -> Text,
        value -> Text,
    }
}

diesel::table! {
    flags (id) {
        id -> BigInt,
        environment_id -> BigInt,
        feature_id -> BigInt,
        enabled -> Bool,
        value -> Text,
        updated_at -> BigInt,
        version -> BigInt,
        variants -> Text,
        killed -> Bool,
        hash -> Text,
        seed -> Text,
    }
}

diesel::table! {
    segments (id) {
        id -> BigInt,
        name -> Text,
        name_folded -> Text,
        description -> Text,
        rules -> Text,
        seed -> BigInt,
        created_at -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    overrides (id) {
        id -> BigInt,
        environment_id -> BigInt,
        feature_id -> BigInt,
        segment_id -> Nullable<BigInt>,
        identifier -> Nullable<Text>,
        enabled -> Bool,
        value -> Text,
        variants -> Text,
        priority -> Nullable<BigInt>,
        rollout -> Nullable<Text>,
        rollout_seed -> Nullable<BigInt>,
        seed -> Text,
        hash -> Text,
        updated_at -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    environment_keys (id) {
        id -> BigInt,
        environment_id -> Nullable<BigInt>,
        name -> Nullable<Text>,
        user -> Nullable<Text>,
        description -> Nullable<Text>,
        kind -> Text,
        digest -> Text,
        text -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        version -> BigInt,
    }
}

diesel::table! {
    accounts (id) {
        id -> BigInt,
        username -> Text,
        username_folded -> Text,
        role -> Text,
        password_hash -> Text,
        disabled -> Bool,
        created_at -> BigInt,
        version -> BigInt,
        password_changed_at -> BigInt,
        last_login_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    sessions (id) {
        id -> BigInt,
        account_id -> BigInt,
        digest -> Text,
        created_at -> BigInt,
        last_used_at -> BigInt,
    }
}

diesel::table! {
    tokens (id) {
        id -> BigInt,
        account_id -> BigInt,
        name -> Text,
        digest -> Text,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
        version -> BigInt,
    }
}

diesel::table! {
    identities (id) {
        id -> BigInt,
        environment_id -> BigInt,
        digest -> Text,
        identifier -> Text,
        traits -> Text,
        seen_at -> BigInt,
    }
}

diesel::table! {
    usage (environment_id, feature_id, hour) {
        environment_id -> BigInt,
        feature_id -> BigInt,
        hour -> BigInt,
        count -> BigInt,
        last_used_at -> BigInt,
    }
}

#[cfg(feature = "coupons")]
diesel::table! {
    coupons (id) {
        id -> BigInt,
        category -> Nullable<Text>,
        couponcode -> Text,
        description -> Nullable<Text>,
        merchant -> Nullable<Text>,
        title -> Text,
        store -> Nullable<Text>,
        expire_at -> BigInt,
        published_at -> BigInt,
        amount -> Nullable<Text>,
        currency -> Nullable<Text>,
        feature_id -> Nullable<BigInt>,
        version -> BigInt,
    }
}

#[cfg(feature = "coupons")]
diesel::table! {
    coupon_redemptions (coupon_id, date) {
        coupon_id -> BigInt,
        date -> Text,
        count -> BigInt,
    }
}

#[cfg(feature = "rates")]
diesel::table! {
    rate_days (date) {
        date -> Text,
        base -> Text,
        rates -> Text,
        made_at -> Nullable<BigInt>,
        ingested_at -> BigInt,
        version -> BigInt,
        told_at -> Nullable<BigInt>,
    }
}

#[cfg(feature = "rates")]
diesel::table! {
    rate_turns (id) {
        id -> BigInt,
        holder -> Text,
        held_until -> Nullable<BigInt>,
        carried_out -> Nullable<BigInt>,
        last_success -> Nullable<BigInt>,
    }
}

diesel::table! {
    compatible_migrations (version) {
        version -> Text,
    }
}

diesel::table! {
    /// Written by diesel's migration runner.
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

diesel::joinable!(flags -> environments (environment_id));
diesel::joinable!(flags -> features (feature_id));
diesel::joinable!(overrides -> environments (environment_id));
diesel::joinable!(overrides -> features (feature_id));
diesel::joinable!(overrides -> segments (segment_id));
diesel::joinable!(usage -> features (feature_id));
diesel::allow_tables_to_appear_in_same_query!(
    environments,
    features,
    flags,
    overrides,
    segments,
    usage
);

diesel::joinable!(sessions -> accounts (account_id));
diesel::joinable!(tokens -> accounts (account_id));
diesel::allow_tables_to_appear_in_same_query!(accounts, sessions, tokens);
