//! Groups of contacts with shared values, constructed and random.

use proto::contacts::v1::Date;
use uuid::Uuid;

use super::*;
use crate::contact::match_key::ValueKind;

fn id(n: usize) -> ContactId {
    ContactId(Uuid::from_u128(n as u128))
}

fn member(n: usize, name: &str, birthday: Option<(i32, i32)>) -> ComparedContact {
    ComparedContact {
        id: id(n),
        name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        birthday: birthday.map(|(year, day)| Date {
            year,
            month: 1,
            day,
        }),
    }
}

fn shared(kind: ValueKind, members: impl IntoIterator<Item = usize>) -> SharedValue {
    SharedValue {
        kind,
        ids: members.into_iter().map(id).collect(),
    }
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
        let members: Vec<ComparedContact> = (0..size)
            .map(|n| {
                let names = ["ada lovelace", "ada lovelase", "bob", "charles babbage", ""];
                let birthday = random.bool().then(|| {
                    let year = *random.choice([0, 1990, 1991].iter()).unwrap();
                    (year, random.i32(1..3))
                });
                member(n, random.choice(names).unwrap(), birthday)
            })
            .collect();
        let keys: Vec<SharedValue> = (0..random.usize(1..30))
            .map(|_| {
                let kinds = [ValueKind::Email, ValueKind::Phone, ValueKind::Words];
                let most = if random.u8(0..5) == 0 { size } else { 4 };
                let sharers: Vec<usize> = (0..random.usize(2..=most.max(2)))
                    .map(|_| random.usize(..size))
                    .collect();
                shared(random.choice(kinds).unwrap(), sharers)
            })
            .collect();
        let ignored: Vec<_> = (0..random.usize(..20))
            .map(|_| (id(random.usize(..size)), id(random.usize(..size))))
            .filter(|(a, b)| a != b)
            .map(|(a, b)| IgnoredPair::of(a, b))
            .collect();

        let found = groups(&keys, members.clone(), &ignored);

        let birthday = |id: &ContactId| {
            let member = members.iter().find(|member| member.id == *id);
            member.unwrap().birthday
        };
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
        let mut shuffled = members.clone();
        random.shuffle(&mut shuffled);
        assert_eq!(groups(&keys, shuffled, &ignored), found, "in any order");
        count += found.len();
    }
    assert!(count > 500, "{count}");
}

#[test]
fn a_doubtful_third_one_stays_out_of_a_likely_pair() {
    let members = vec![
        member(1, "ada lovelace", None),
        member(2, "ada lovelace", None),
        member(3, "charles babbage", None),
    ];
    let keys = [
        shared(ValueKind::Phone, [1, 2, 3]),
        shared(ValueKind::Email, [1, 2]),
    ];

    let found = groups(&keys, members, &[]);

    assert_eq!(found.len(), 1);
    assert_eq!(found[0].ids, [id(1), id(2)]);
    assert!(found[0].score > 900);
}

#[test]
fn a_value_that_very_many_share_costs_one_comparison_each() {
    let count = 100_000;
    let names = (0..count).map(|n| format!("{:x}", n * 2_654_435_761 % 4_294_967_296));
    let members = names.enumerate().map(|(n, name)| member(n, &name, None));
    let facts: Vec<Facts> = members.map(Facts::of).collect();

    let pairs = compared(&facts, &[(0..count).collect(), (0..count).collect()]);

    assert!(pairs.len() < count, "{}", pairs.len());
}
