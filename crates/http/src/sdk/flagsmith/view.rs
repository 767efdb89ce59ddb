//! A snapshot as Flagsmith's SDKs read it: rendered when it is published, compressed when first asked for.
//!
//! The shape is that of `/api/v1/flags/` in Flagsmith's SDK API. An answer is a slice of bytes that exist already.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use actix_web::http::header::HeaderValue;
use bytes::Bytes;
use flagstaff_domain::access::KeyKind;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::evaluation::{Identity, Subject};
use flagstaff_domain::flags::{Snapshot, SnapshotFlag};
use sha2::{Digest, Sha256};

use super::coding::Coding;
use super::document;
use super::flag::{self, Spot};
use crate::sdk::views::{Rendered, Views};

/// The views of all environments.
pub type FlagsmithViews = Views<View>;

/// One environment's flags, rendered.
pub struct View {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) revision: HeaderValue,
    pub(crate) updated_at: HeaderValue,
    client: Arc<Audience>,
    server: Arc<Audience>,
    document: OnceLock<Option<Coded>>,
}

impl Rendered for View {
    fn render(snapshot: Arc<Snapshot>) -> Self {
        let server = Arc::new(Audience::render(&snapshot, KeyKind::Server));
        let hides = |flag: &SnapshotFlag| flag.feature.server_key_only;
        let client = if snapshot.flags.iter().any(hides) {
            Arc::new(Audience::render(&snapshot, KeyKind::Client))
        } else {
            Arc::clone(&server)
        };
        let micros = snapshot.updated_at.as_micros();
        let seconds = format!(
            "{}.{:06}",
            micros.div_euclid(1_000_000),
            micros.rem_euclid(1_000_000)
        );
        Self {
            revision: HeaderValue::from(snapshot.revision.0),
            updated_at: HeaderValue::try_from(seconds).unwrap_or(HeaderValue::from_static("0")),
            client,
            server,
            document: OnceLock::new(),
            snapshot,
        }
    }
}

impl View {
    /// All flags that a key of this kind may see, and how they are coded after all.
    pub(crate) fn all(&self, kind: KeyKind, coding: Coding) -> (&Representation, Coding) {
        self.audience(kind).list.coded(coding)
    }

    /// One flag, if a key of this kind may see it.
    pub(crate) fn one(&self, kind: KeyKind, feature: &str) -> Option<Representation> {
        let audience = self.audience(kind);
        let name = |slot: &Slot| self.snapshot.flags[slot.flag].feature.name.as_str();
        let at = audience
            .slots
            .binary_search_by(|slot| name(slot).cmp(feature))
            .ok()?;
        let slot = &audience.slots[at];
        let body = audience
            .list
            .identity
            .body
            .slice(slot.spot.start..slot.spot.end);
        Some(Representation::new(body, "flag"))
    }

    /// All flags that a key of this kind may see as this identity gets them: a list in `body`.
    pub(crate) fn write_for(
        &self,
        identity: &Identity,
        now: Timestamp,
        kind: KeyKind,
        body: &mut Vec<u8>,
    ) -> serde_json::Result<()> {
        let audience = self.audience(kind);
        let list = &audience.list.identity.body;
        body.reserve(list.len() + audience.slots.len() * flag::MORE + 1);
        let subject = Subject {
            identity: Some(identity),
            now,
        };
        let evaluation = self.snapshot.program.evaluate(subject);
        body.push(b'[');
        for slot in &audience.slots {
            if let Some(answer) = evaluation.answer(slot.flag) {
                if body.last() != Some(&b'[') {
                    body.push(b',');
                }
                flag::write_answer(body, list, &slot.spot, &answer)?;
            }
        }
        body.push(b']');
        Ok(())
    }

    /// Everything about the environment; made by whoever asks first. `None` where it cannot be written.
    pub(crate) fn document(&self) -> Option<&Coded> {
        let write = || match document::write(&self.snapshot) {
            Ok(body) => Some(Coded::new(body)),
            Err(error) => {
                log::error!(environment = self.snapshot.name.as_str(), error:%; "the environment document cannot be written as JSON");
                None
            }
        };
        self.document.get_or_init(write).as_ref()
    }

    fn audience(&self, kind: KeyKind) -> &Audience {
        match kind {
            KeyKind::Client => &self.client,
            KeyKind::Server => &self.server,
        }
    }
}

/// The flags that keys of one kind may see, sorted by name.
fn visible(snapshot: &Snapshot, kind: KeyKind) -> impl Iterator<Item = (usize, &SnapshotFlag)> {
    snapshot
        .flags
        .iter()
        .enumerate()
        .filter(move |(_, flag)| flag.is_for(kind))
}

struct Audience {
    list: Coded,
    slots: Vec<Slot>,
}

/// A body as it is, and compressed once somebody asks for that.
pub(crate) struct Coded {
    identity: Representation,
    gzip: Lazy,
    brotli: Lazy,
}

impl Coded {
    fn new(body: Vec<u8>) -> Self {
        Self {
            identity: Representation::new(Bytes::from(body), ""),
            gzip: Lazy::default(),
            brotli: Lazy::default(),
        }
    }

    /// The body in this coding; as it is while another thread still makes that one.
    pub(crate) fn coded(&self, coding: Coding) -> (&Representation, Coding) {
        let compressed = match coding {
            Coding::Identity => None,
            Coding::Gzip => self.gzip.get(|| gzip(&self.identity.body), "gzip"),
            Coding::Brotli => self.brotli.get(|| brotli(&self.identity.body), "br"),
        };
        compressed.map_or((&self.identity, Coding::Identity), |made| (made, coding))
    }
}

/// Where one flag stands in the body.
struct Slot {
    flag: usize,
    spot: Spot,
}

impl Audience {
    fn render(snapshot: &Snapshot, kind: KeyKind) -> Self {
        let mut body = Vec::with_capacity(snapshot.flags.len() * 300 + 2);
        let mut slots = Vec::with_capacity(snapshot.flags.len());
        body.push(b'[');
        for (at, flag) in visible(snapshot, kind) {
            if !slots.is_empty() {
                body.push(b',');
            }
            let start = body.len();
            match flag::write(&mut body, flag) {
                Ok(spot) => slots.push(Slot { flag: at, spot }),
                Err(error) => {
                    log::error!(feature = flag.feature.name.as_str(), error:%; "a flag cannot be written as JSON");
                    body.truncate(start);
                }
            }
        }
        body.push(b']');
        Self {
            list: Coded::new(body),
            slots,
        }
    }
}

/// A representation that is made by whoever asks first; nobody waits for it.
#[derive(Default)]
struct Lazy {
    made: OnceLock<Representation>,
    begun: AtomicBool,
}

impl Lazy {
    fn get(&self, make: impl FnOnce() -> Bytes, what: &str) -> Option<&Representation> {
        if self.made.get().is_none() && !self.begun.swap(true, Ordering::Relaxed) {
            let _ = self.made.set(Representation::new(make(), what));
        }
        self.made.get()
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").finish_non_exhaustive()
    }
}

fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    Bytes::from(written.unwrap_or_default())
}

fn brotli(body: &[u8]) -> Bytes {
    let mut coded = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 5,
        ..Default::default()
    };
    let written = brotli::BrotliCompress(&mut &*body, &mut coded, &parameters);
    debug_assert!(written.is_ok(), "writing to memory succeeds");
    Bytes::from(coded)
}

/// A body with its entity tag.
pub(crate) struct Representation {
    pub(crate) body: Bytes,
    pub(crate) etag: HeaderValue,
}

impl Representation {
    /// The tag is strong: the digest of the body as it is sent, and what it represents.
    fn new(body: Bytes, what: &str) -> Self {
        let mut digest = Sha256::new();
        digest.update(&body);
        digest.update(what);
        let digest = digest.finalize();
        let mut tag = String::with_capacity(34);
        tag.push('"');
        for byte in &digest[..16] {
            use std::fmt::Write;
            let _ = write!(tag, "{byte:02x}");
        }
        tag.push('"');
        Self {
            body,
            etag: HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\"")),
        }
    }
}
