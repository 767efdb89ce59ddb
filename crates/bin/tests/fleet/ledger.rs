//! The change log as it is in the end, and what it says of the requests that were made.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::catalogue::{FLAGS, manage, number};
use crate::client::Client;
use crate::traffic::{End, Read, Records, Write};

/// Which change gave which flag which value.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// The number of the change that gave a flag this value.
    changes: HashMap<i64, i64>,
    /// Each flag's changes in order: their numbers and values.
    flags: [Vec<(i64, i64)>; FLAGS],
}

impl Ledger {
    /// Reads the whole log.
    pub(crate) fn read(client: &mut Client) -> Self {
        let mut ledger = Self {
            changes: HashMap::new(),
            flags: Default::default(),
        };
        let mut head = 0;
        loop {
            let path = format!("/api/admin/changes?after={head}&limit=1000");
            let answer = manage(client, "GET", &path, "").unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
            let page: Vec<Value> = serde_json::from_str(&answer.body).unwrap();
            if page.is_empty() {
                return ledger;
            }
            for change in page {
                head += 1;
                assert_eq!(change["seq"], head, "the log has a gap");
                if change["kind"] == "flag.changed" {
                    ledger.add(head, &change);
                }
            }
        }
    }

    fn add(&mut self, seq: i64, change: &Value) {
        let value = change["after"]["value"].as_i64().unwrap();
        let flag = number(change["subject"].as_str().unwrap()).unwrap();
        let before = self.changes.insert(value, seq);
        assert_eq!(before, None, "a change was made twice: {change}");
        self.flags[flag].push((seq, value));
    }

    /// What was acknowledged is there, what was refused is not, and each answer is what the log says.
    pub(crate) fn agrees_with(&self, records: &Records) {
        for Write { asked, end } in &records.writes {
            let stored = self.changes.get(&asked.value);
            match end {
                End::Stored(seq) => assert_eq!(stored, Some(seq), "lost: {asked:?}"),
                End::Refused => assert_eq!(stored, None, "refused, and stored: {asked:?}"),
                End::Doubtful => {}
            }
        }
        for read in &records.reads {
            assert_eq!(self.value_at(read), read.asked.value, "{read:?}");
        }
    }

    /// What a read should have said.
    fn value_at(&self, read: &Read) -> i64 {
        let changes = &self.flags[read.asked.flag];
        let later = changes.partition_point(|(seq, _)| *seq <= read.revision);
        later.checked_sub(1).map_or(0, |last| changes[last].1)
    }
}

/// When an instance and its database were both up.
#[derive(Debug, Default, Clone)]
pub(crate) struct Calm {
    since: Option<Instant>,
    spans: Vec<(Instant, Instant)>,
}

impl Calm {
    pub(crate) fn begins(&mut self) {
        self.since = Some(Instant::now());
    }

    pub(crate) fn ends(&mut self) {
        let now = Instant::now();
        self.spans
            .extend(self.since.take().map(|since| (since, now)));
    }

    /// The longest calm between two moments.
    fn between(&self, from: Instant, to: Instant) -> Duration {
        let spans = self.spans.iter().rev();
        let spans = spans.take_while(|(_, end)| *end > from);
        let calm = spans.map(|(begin, end)| {
            let (begin, end) = ((*begin).max(from), (*end).min(to));
            end.saturating_duration_since(begin)
        });
        calm.max().unwrap_or_default()
    }
}

/// How long, at most, an instance had had time to learn of a change that it did not show yet.
pub(crate) fn longest_lag<'a>(records: &'a Records, calm: &[Calm]) -> (Duration, Option<&'a Read>) {
    let mut stored: Vec<_> = records.writes.iter().filter_map(acknowledged).collect();
    stored.sort_unstable();
    // When the first of this change and those after it was acknowledged.
    let mut first = Instant::now();
    for (_, at) in stored.iter_mut().rev() {
        first = first.min(*at);
        *at = first;
    }
    let mut longest = (Duration::ZERO, None);
    for read in &records.reads {
        let missed = stored.partition_point(|(seq, _)| *seq <= read.revision);
        let Some((_, since)) = stored.get(missed) else {
            continue;
        };
        let lag = calm[read.asked.seat].between(*since, read.asked.begun);
        if lag > longest.0 {
            longest = (lag, Some(read));
        }
    }
    longest
}

fn acknowledged(write: &Write) -> Option<(i64, Instant)> {
    match write.end {
        End::Stored(seq) => Some((seq, write.asked.begun + write.asked.took)),
        End::Refused | End::Doubtful => None,
    }
}
