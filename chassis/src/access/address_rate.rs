//! Limits the calls of each client address. The owner of a whole IPv6 network cannot
//! multiply the limit by using many addresses.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::access::client_address::{LEVELS, networks};
use crate::access::rate::{Buckets, Rate};

/// The buckets of addresses, and of the wider networks that IPv6 addresses are in.
pub struct AddressBuckets {
    rate: Rate,
    /// One set of buckets for each of [`LEVELS`].
    levels: [Buckets; LEVELS.len()],
}

impl AddressBuckets {
    /// The rate for one address; wider networks have a multiple of it.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            levels: LEVELS.map(|(_, times)| Buckets::new(rate.times(times))),
        }
    }

    /// Takes one from every bucket of `ip`; if one is empty, takes nothing and returns
    /// when to retry.
    pub fn take(&self, ip: IpAddr, now: Instant) -> Result<(), Duration> {
        for (at, (level, network)) in self.levels.iter().zip(networks(ip)).enumerate() {
            if let Err(wait) = level.take(network, now) {
                for (level, network) in self.levels.iter().zip(networks(ip)).take(at) {
                    level.put_back(network);
                }
                return Err(wait);
            }
        }
        Ok(())
    }
}

impl fmt::Debug for AddressBuckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = format_args!("{}", self.rate);
        f.debug_tuple("AddressBuckets").field(&rate).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets() -> AddressBuckets {
        AddressBuckets::new(Rate::per_hour(10))
    }

    /// How many calls of these addresses in turn are accepted.
    fn taken(buckets: &AddressBuckets, addresses: impl Iterator<Item = String>) -> usize {
        let now = Instant::now();
        let addresses = addresses.map(|ip| ip.parse().unwrap());
        addresses
            .filter(|ip| buckets.take(*ip, now).is_ok())
            .count()
    }

    #[test]
    fn a_wide_network_may_call_a_few_times_as_often() {
        let of_64 = (0..1000).map(|n| format!("2001:db8:1:2::{n:x}"));
        assert_eq!(taken(&buckets(), of_64), 10);
        let of_56 = (0..1000).map(|n| format!("2001:db8:1:{:x}::", n % 256));
        assert_eq!(taken(&buckets(), of_56), 40);
        let of_48 = (0..10_000).map(|n| format!("2001:db8:1:{n:x}::"));
        assert_eq!(taken(&buckets(), of_48), 160);
        let of_ipv4 = (0..100).map(|n| format!("192.0.2.{n}"));
        assert_eq!(taken(&buckets(), of_ipv4), 100);
    }

    #[test]
    fn a_call_that_a_wide_network_may_not_make_takes_nothing_from_a_narrow_one() {
        let buckets = buckets();
        let now = Instant::now();
        let (a, b) = ("2001:db8:1:2::", "2001:db8:1:3::");
        let others = (0x10..0x20).flat_map(|n| vec![format!("2001:db8:1:{n:x}::"); 10]);
        assert_eq!(taken(&buckets, others), 40);
        for _ in 0..100 {
            assert!(buckets.take(a.parse().unwrap(), now).is_err());
        }

        // The /56 has room for 10 again.
        let later = now + Duration::from_mins(15);

        assert!(buckets.take(b.parse().unwrap(), later).is_ok());
        assert!(buckets.take(a.parse().unwrap(), later).is_ok());
    }
}
