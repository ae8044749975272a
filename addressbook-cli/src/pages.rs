//! Lists that arrive page by page.

use addressbook_client::Error;

/// A page, and the token of the next one; empty after the last.
pub(crate) type Page<T> = (Vec<T>, String);

/// Calls `page` with the token of each page, and `each` with the items, at most `limit`.
pub(crate) async fn each<T>(
    limit: usize,
    mut page: impl AsyncFnMut(String) -> Result<Page<T>, Error>,
    mut each: impl FnMut(T) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut left = limit;
    let mut token = String::new();
    while left > 0 {
        let (items, next) = page(token).await?;
        for item in items.into_iter().take(left) {
            left -= 1;
            each(item)?;
        }
        if next.is_empty() {
            break;
        }
        token = next;
    }
    Ok(())
}

/// All items.
pub(crate) async fn all<T>(
    page: impl AsyncFnMut(String) -> Result<Page<T>, Error>,
) -> Result<Vec<T>, Error> {
    let mut items = Vec::new();
    each(usize::MAX, page, |item| {
        items.push(item);
        Ok(())
    })
    .await?;
    Ok(items)
}

/// The size of a page for so many items, of which a page can have `most`.
pub(crate) fn size(limit: usize, most: i32) -> i32 {
    i32::try_from(limit).unwrap_or(most).min(most)
}
