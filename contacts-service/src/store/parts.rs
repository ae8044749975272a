//! Splits long writes. A statement has a timeout, and the cost of a contact grows with
//! its text, which is stored and read back by searches.

/// The maximum size of contacts that one statement writes, unless one contact has more.
const BYTES_MAX: usize = 256 * 1024;

/// Splits a list into parts, one per statement; `bytes` is the size of an item.
pub fn split<T>(all: &[T], bytes: impl Fn(&T) -> usize) -> impl Iterator<Item = &[T]> {
    let mut rest = all;
    std::iter::from_fn(move || {
        let mut sum = 0;
        let fits = |one: &&T| {
            sum += bytes(one);
            sum <= BYTES_MAX
        };
        let count = rest.iter().take_while(fits).count().max(1);
        let (part, others) = rest.split_at_checked(count)?;
        rest = others;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(sizes: &[usize]) -> Vec<&[usize]> {
        split(sizes, |size| *size).collect()
    }

    #[test]
    fn a_part_is_as_large_as_it_may_be() {
        let most = BYTES_MAX;
        assert_eq!(parts(&[]), [[0; 0]; 0]);
        assert_eq!(parts(&[0, 0, most]), [[0, 0, most]]);
        assert_eq!(parts(&[1, most, 1, 1]), [&[1][..], &[most], &[1, 1]]);
        assert_eq!(parts(&[most + 1, most + 1]), [[most + 1], [most + 1]]);
    }
}
