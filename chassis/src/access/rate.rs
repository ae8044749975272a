//! Rates, and token buckets that count calls.

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A number of calls within a time: a token bucket of that size that refills evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
}

impl Rate {
    /// The maximum number of a rate.
    const COUNT_MAX: u32 = 1_000_000;

    /// So many times a second, 1 to 1,000,000.
    #[must_use]
    pub const fn per_second(count: u32) -> Self {
        Self::new(count, Unit::Second)
    }

    /// So many times a minute, 1 to 1,000,000.
    #[must_use]
    pub const fn per_minute(count: u32) -> Self {
        Self::new(count, Unit::Minute)
    }

    /// So many times an hour, 1 to 1,000,000.
    #[must_use]
    pub const fn per_hour(count: u32) -> Self {
        Self::new(count, Unit::Hour)
    }

    const fn new(count: u32, unit: Unit) -> Self {
        assert!(0 < count && count <= Self::COUNT_MAX, "no such rate");
        Self { count, unit }
    }

    /// A multiple of this rate, for several subscribers together.
    #[must_use]
    pub const fn times(self, factor: u32) -> Self {
        Self {
            count: self.count.saturating_mul(factor),
            unit: self.unit,
        }
    }

    /// The time in which the bucket refills by one, in nanoseconds.
    fn interval(self) -> u64 {
        let seconds: u64 = match self.unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3600,
        };
        seconds * 1_000_000_000 / u64::from(self.count)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Second => 's',
            Unit::Minute => 'm',
            Unit::Hour => 'h',
        };
        write!(f, "{}/{unit}", self.count)
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const PROBLEM: &str = "must be 1 to 1000000, a slash, and s, m or h, such as 60/m";
        let (count, unit) = text.split_once('/').ok_or(PROBLEM)?;
        let count = count.parse().map_err(|_| PROBLEM)?;
        let unit = match unit {
            "s" => Unit::Second,
            "m" => Unit::Minute,
            "h" => Unit::Hour,
            _ => return Err(PROBLEM),
        };
        if (1..=Self::COUNT_MAX).contains(&count) {
            Ok(Self { count, unit })
        } else {
            Err(PROBLEM)
        }
    }
}

/// Each has a lock of its own.
const SHARDS: usize = 8;
const SETS: usize = 512;
/// The number of buckets in a set.
const WAYS: usize = 8;

/// A bucket: the hash of its owner, and when it is full again, in nanoseconds since the
/// start.
type Bucket = [u64; 2];

/// The buckets of one rate, in a fixed amount of memory: half a MiB, allocated when it is
/// written to.
///
/// A full bucket need not be stored, so its place is free. If a flood of clients leaves
/// no free place, the fullest bucket is replaced: whoever calls most is remembered
/// longest. Not a map that is swept periodically (`governor`), which grows with the
/// number of clients.
pub struct Buckets {
    rate: Rate,
    /// With a random hash key, so that nobody can choose whose bucket to replace.
    names: RandomState,
    start: Instant,
    shards: [Mutex<Vec<[Bucket; WAYS]>>; SHARDS],
}

impl Buckets {
    /// Creates full buckets.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            names: RandomState::new(),
            start: Instant::now(),
            shards: Default::default(),
        }
    }

    /// Takes one from the bucket of `who`; if it is empty, takes nothing and returns when
    /// to retry.
    pub fn take(&self, who: impl Hash, now: Instant) -> Result<(), Duration> {
        let interval = self.rate.interval();
        let now = now.saturating_duration_since(self.start).as_nanos();
        let now = u64::try_from(now).unwrap_or(u64::MAX / 2);
        self.with_bucket(who, |name, bucket| {
            let full_at = if bucket[0] == name { bucket[1] } else { 0 };
            let next = full_at.max(now) + interval;
            let latest = now + interval * u64::from(self.rate.count);
            if next > latest {
                return Err(Duration::from_nanos(next - latest));
            }
            *bucket = [name, next];
            Ok(())
        })
    }

    /// Puts back what was just taken for `who`.
    pub fn put_back(&self, who: impl Hash) {
        let interval = self.rate.interval();
        self.with_bucket(who, |name, bucket| {
            if bucket[0] == name {
                bucket[1] = bucket[1].saturating_sub(interval);
            }
        });
    }

    /// Calls a function with the bucket of `who`, or with the one to replace.
    fn with_bucket<T>(&self, who: impl Hash, change: impl FnOnce(u64, &mut Bucket) -> T) -> T {
        let name = self.names.hash_one(who);
        let at = usize::try_from(name % (1 << 32)).unwrap_or_default();
        let shard = &self.shards[at % SHARDS];
        // A panic under the lock cannot leave a bucket half changed.
        let mut sets = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.is_empty() {
            *sets = vec![[[0; 2]; WAYS]; SETS];
        }
        change(name, place(&mut sets[at / SHARDS % SETS], name))
    }
}

/// The bucket with this name, or the one to replace.
fn place(set: &mut [Bucket; WAYS], name: u64) -> &mut Bucket {
    let mut found = 0;
    for (at, [other, full_at]) in set.iter().enumerate() {
        if *other == name {
            found = at;
            break;
        }
        if *full_at < set[found][1] {
            found = at;
        }
    }
    &mut set[found]
}

impl fmt::Debug for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = format_args!("{}", self.rate);
        f.debug_tuple("Buckets").field(&rate).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn taken(buckets: &Buckets, who: u64, times: u32, now: Instant) -> u32 {
        let done = (0..times).filter(|_| buckets.take(who, now).is_ok());
        u32::try_from(done.count()).unwrap()
    }

    /// The size of the buckets, in bytes.
    fn held(buckets: &Buckets) -> usize {
        let sets = |shard: &Mutex<Vec<_>>| shard.lock().unwrap().capacity();
        buckets.shards.iter().map(sets).sum::<usize>() * size_of::<[Bucket; WAYS]>()
    }

    #[test]
    fn a_rate_is_read_and_written() {
        for text in ["1/s", "60/m", "1000000/h"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for text in ["", "60", "60/d", "0/s", "1000001/s", "-1/s", "1.5/s", "/s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_full_bucket_allows_its_size_and_then_returns_a_delay() {
        let buckets = Buckets::new(Rate::per_minute(60));
        let now = buckets.start + SECOND;

        assert_eq!(taken(&buckets, 1, 100, now), 60);
        assert_eq!(buckets.take(1_u64, now), Err(SECOND));
        assert_eq!(buckets.take(1_u64, now + SECOND / 4), Err(SECOND * 3 / 4));
    }

    #[test]
    fn a_call_after_the_delay_is_allowed_and_one_before_is_not() {
        let buckets = Buckets::new(Rate::per_hour(2));
        let now = buckets.start;
        assert_eq!(taken(&buckets, 1, 3, now), 2);
        let wait = buckets.take(1_u64, now).unwrap_err();

        assert_eq!(wait, SECOND * 1800);
        assert!(buckets.take(1_u64, now + SECOND * 1799).is_err());
        assert!(buckets.take(1_u64, now + wait).is_ok());
    }

    #[test]
    fn refused_calls_take_nothing() {
        let buckets = Buckets::new(Rate::per_second(1));
        let now = buckets.start;
        assert_eq!(taken(&buckets, 1, 1000, now), 1);

        assert!(buckets.take(1_u64, now + SECOND).is_ok());
    }

    #[test]
    fn what_is_put_back_can_be_taken_again_and_no_more() {
        let buckets = Buckets::new(Rate::per_hour(3));
        let now = buckets.start;
        assert_eq!(taken(&buckets, 1, 9, now), 3);

        buckets.put_back(1_u64);
        buckets.put_back(2_u64);

        assert_eq!(taken(&buckets, 1, 9, now), 1);
        assert_eq!(taken(&buckets, 2, 9, now), 3);
    }

    #[test]
    fn a_bucket_never_holds_more_than_its_size() {
        let buckets = Buckets::new(Rate::per_second(5));
        let later = buckets.start + SECOND * 3600;
        assert_eq!(taken(&buckets, 1, 9, buckets.start), 5);

        assert_eq!(taken(&buckets, 1, 9, later), 5);
    }

    #[test]
    fn everybody_has_a_bucket() {
        let buckets = Buckets::new(Rate::per_hour(1));
        for who in 0..100 {
            assert_eq!(taken(&buckets, who, 2, buckets.start), 1);
        }
    }

    #[test]
    fn a_million_strangers_take_no_more_memory_and_lift_no_limit() {
        let buckets = Buckets::new(Rate::per_hour(100));
        let now = buckets.start;
        assert_eq!(taken(&buckets, u64::MAX, 200, now), 100);
        let before = SHARDS * SETS * WAYS * size_of::<Bucket>();

        for stranger in 0..1_000_000_u64 {
            assert!(buckets.take(stranger, now).is_ok());
        }

        assert!(buckets.take(u64::MAX, now).is_err());
        assert_eq!(held(&buckets), before);
    }

    #[test]
    fn unused_buckets_take_no_memory() {
        assert_eq!(held(&Buckets::new(Rate::per_second(1))), 0);
    }
}
