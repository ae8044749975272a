//! The address books that a caller reads together: its own, and those shared with it.

use chassis::user_id::UserId;

use crate::error::{Result, ShareError};
use crate::model::share::visible::{Grant, View, Visible};

/// The maximum number of address books of one call, the caller's own included.
pub const BOOKS_MAX: usize = 50;

/// A share of an owner with the caller.
#[derive(Clone, Debug)]
pub struct Received {
    /// The owner.
    pub owner: UserId,
    /// Its rights.
    pub grant: Grant,
}

/// What a caller reads of several owners.
#[derive(Clone, Debug)]
pub struct Books {
    own: View,
    /// One for each owner, by owner.
    views: Vec<View>,
}

impl Books {
    /// The caller's own contacts, and those that these shares show, which are sorted by
    /// owner.
    pub fn of(reader: UserId, received: &[Received]) -> Result<Self> {
        let own = View::whole(reader);
        let by_owner = received.chunk_by(|one, next| one.owner == next.owner);
        let shared = by_owner.map(|shares| View {
            owner: shares[0].owner,
            reader,
            visible: Visible::of(shares.iter().map(|share| &share.grant)),
        });
        let mut views: Vec<View> = shared.chain([own.clone()]).collect();
        if views.len() > BOOKS_MAX {
            return Err(ShareError::TooManyOwners.into());
        }
        views.sort_unstable_by_key(|view| view.owner.0);
        Ok(Self { own, views })
    }

    /// The caller's own contacts.
    #[must_use]
    pub fn own(&self) -> &View {
        &self.own
    }

    /// One view for each owner, by owner.
    #[must_use]
    pub fn views(&self) -> &[View] {
        &self.views
    }

    /// What is seen of an owner's contacts.
    #[must_use]
    pub fn of_owner(&self, owner: UserId) -> Option<&View> {
        let at = self
            .views
            .binary_search_by_key(&owner.0, |view| view.owner.0);
        at.ok().map(|at| &self.views[at])
    }

    /// Whether all contacts of all owners are seen.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.views.iter().all(|view| view.visible.is_all())
    }

    /// Whether what is seen depends on the names of labels.
    #[must_use]
    pub fn depends_on_names(&self) -> bool {
        let mut views = self.views.iter();
        views.any(|view| view.visible.depends_on_names())
    }

    /// Whether whatever depends on the names of labels is seen alike in `later`.
    #[must_use]
    pub fn is_named_as(&self, later: &Self) -> bool {
        let named = self
            .views
            .iter()
            .filter(|view| view.visible.depends_on_names());
        named.into_iter().all(|view| {
            let then = later.of_owner(view.owner);
            then.is_some_and(|then| then.visible == view.visible)
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::error::Error;
    use crate::model::label::LabelId;
    use crate::model::share::visible::SharedLabel;

    fn user(number: usize) -> UserId {
        UserId(Uuid::from_u128(number as u128))
    }

    fn received(owner: usize, label: Option<&str>) -> Received {
        let label = label.map(|key| SharedLabel {
            id: LabelId(Uuid::from_u128(7)),
            key: key.to_owned(),
            since: 1,
            named: 1,
        });
        Received {
            owner: user(owner),
            grant: Grant {
                is_editor: false,
                label,
                since: 1,
            },
        }
    }

    fn books(received: &[Received]) -> Books {
        Books::of(user(500), received).unwrap()
    }

    #[test]
    fn shares_of_one_owner_are_one_book() {
        let books = books(&[
            received(3, None),
            received(3, Some("x")),
            received(900, None),
        ]);

        let owners: Vec<_> = books.views().iter().map(|view| view.owner).collect();
        assert_eq!(owners, [user(3), user(500), user(900)]);
        assert!(books.is_all() && books.of_owner(user(3)).is_some());
        assert!(books.of_owner(user(4)).is_none());
        assert_eq!(books.own().owner, user(500));
    }

    #[test]
    fn more_than_the_maximum_is_refused() {
        let most: Vec<_> = (1..BOOKS_MAX).map(|owner| received(owner, None)).collect();
        assert_eq!(books(&most).views().len(), BOOKS_MAX);

        let more = [&most[..], &[received(BOOKS_MAX, None)]].concat();
        let refused = Books::of(user(500), &more);

        assert!(matches!(
            refused,
            Err(Error::Share(ShareError::TooManyOwners))
        ));
    }

    #[test]
    fn only_labels_depend_on_their_names() {
        let (whole, label) = (received(1, None), received(2, Some("x")));
        let before = books(&[whole.clone(), label.clone()]);

        assert!(before.depends_on_names() && before.is_named_as(&before));
        assert!(before.is_named_as(&books(&[label])));
        assert!(!before.is_named_as(&books(&[received(2, Some("y"))])));
        assert!(!before.is_named_as(&books(&[whole])));
        assert!(!books(&[]).depends_on_names());
    }
}
