//! Groups of contacts with shared values, constructed and random.

use std::collections::BTreeSet;

use proto::contacts::v1::Date;
use uuid::Uuid;

use super::*;
use crate::contact::match_key::{MatchKey, ValueKind};

fn id(n: usize) -> ContactId {
    ContactId(Uuid::from_u128(n as u128))
}

/// A name, perhaps a year and a day of birth, and the values that it may share.
#[derive(Clone, Default)]
struct Member {
    name: String,
    birthday: Option<Date>,
    values: Vec<(ValueKind, usize)>,
}

impl Member {
    fn new(name: &str, birthday: Option<(i32, i32)>) -> Self {
        Self {
            name: name.to_owned(),
            birthday: birthday.map(|(year, day)| Date {
                year,
                month: 1,
                day,
            }),
            values: Vec::new(),
        }
    }

    fn with(mut self, kind: ValueKind, value: usize) -> Self {
        self.values.push((kind, value));
        self
    }
}

/// The contacts, with their numbers as ids.
fn candidates(members: &[Member]) -> Candidates {
    let mut candidates = Candidates::default();
    for (n, member) in members.iter().enumerate() {
        let values = member.values.iter();
        let values = values.map(|(kind, value)| MatchKey::of(*kind, &value.to_string()));
        let birthday = member.birthday.map(MatchKey::of_birthday);
        let keys: BTreeSet<MatchKey> = values.chain(birthday).collect();
        candidates.add(id(n), &member.name, keys.into_iter());
    }
    candidates
}

fn differ(a: Option<Date>, b: Option<Date>) -> bool {
    let (Some(a), Some(b)) = (a, b) else {
        return false;
    };
    (a.month, a.day) != (b.month, b.day) || a.year > 0 && b.year > 0 && a.year != b.year
}

#[test]
fn groups_keep_their_promises_for_any_shared_values() {
    let mut random = fastrand::Rng::with_seed(18);
    let mut count = 0;
    for _ in 0..300 {
        let size = random.usize(2..60);
        let mut members: Vec<Member> = (0..size)
            .map(|_| {
                let names = ["ada lovelace", "ada lovelase", "bob", "charles babbage", ""];
                let birthday = random.bool().then(|| {
                    let year = *random.choice([0, 1990, 1991].iter()).unwrap();
                    (year, random.i32(1..3))
                });
                Member::new(random.choice(names).unwrap(), birthday)
            })
            .collect();
        for value in 0..random.usize(1..30) {
            let kinds = [ValueKind::Email, ValueKind::Phone, ValueKind::Words];
            let kind = random.choice(kinds).unwrap();
            let most = if random.u8(0..5) == 0 { size } else { 4 };
            for _ in 0..random.usize(2..=most.max(2)) {
                let sharer = random.usize(..size);
                members[sharer].values.push((kind, value));
            }
        }
        let ignored: Vec<_> = (0..random.usize(..20))
            .map(|_| (id(random.usize(..size)), id(random.usize(..size))))
            .filter(|(a, b)| a != b)
            .map(|(a, b)| IgnoredPair::of(a, b))
            .collect();

        let candidates = candidates(&members);

        let found = groups(&candidates, &ignored);

        let birthday = |id: &ContactId| members[candidates.place_of(*id).unwrap()].birthday;
        let mut seen = HashSet::new();
        for group in &found {
            assert!((2..=GROUP_MAX).contains(&group.ids.len()));
            assert!((1..=1000).contains(&group.score) && !group.reasons.is_empty());
            for (at, a) in group.ids.iter().enumerate() {
                assert!(seen.insert(*a), "in one group at most");
                for b in &group.ids[at + 1..] {
                    assert!(!differ(birthday(a), birthday(b)));
                    assert!(!ignored.contains(&IgnoredPair::of(*a, *b)));
                }
            }
        }
        assert!(found.is_sorted_by_key(Group::place));
        count += found.len();
    }
    assert!(count > 500, "{count}");
}

#[test]
fn a_doubtful_third_one_stays_out_of_a_likely_pair() {
    let ada = Member::new("ada lovelace", None)
        .with(ValueKind::Phone, 1)
        .with(ValueKind::Email, 2);
    let charles = Member::new("charles babbage", None).with(ValueKind::Phone, 1);

    let found = groups(&candidates(&[ada.clone(), ada, charles]), &[]);

    assert_eq!(found.len(), 1);
    assert_eq!(found[0].ids, [id(0), id(1)]);
    assert!(found[0].score > 900);
}

#[test]
fn a_value_that_very_many_share_costs_one_comparison_each() {
    let count = 100_000;
    let names = (0..count).map(|n| format!("{:x}", n * 2_654_435_761 % 4_294_967_296));
    let members = names.map(|name| {
        let member = Member::new(&name, None).with(ValueKind::Phone, 1);
        member.with(ValueKind::Email, 2)
    });
    let candidates = candidates(&members.collect::<Vec<_>>());
    let holders = holders(&candidates);

    let pairs = compared(&candidates, &shared_values(&holders));

    assert!(pairs.len() < count, "{}", pairs.len());
}
