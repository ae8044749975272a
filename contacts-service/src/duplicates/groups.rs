//! Forms groups of contacts, pair by pair.

use super::evidence::Evidence;
use super::{GROUP_MAX, Group};
use crate::contact::ContactId;
use crate::model::duplicates::Candidates;

/// A forest of groups: each contact has a parent, and starts as a group of one.
pub(super) struct Groups<'a> {
    parents: Vec<usize>,
    /// By contact; the state of a group is that of its first contact.
    states: Vec<State>,
    /// The ignored partners of each contact.
    apart: Vec<Vec<usize>>,
    ids: &'a [ContactId],
}

/// The data of a group.
#[derive(Default)]
struct State {
    members: Vec<usize>,
    /// Of the date of birth.
    year: Option<i32>,
    month: Option<i32>,
    day: Option<i32>,
    evidence: Option<Evidence>,
}

impl<'a> Groups<'a> {
    pub(super) fn of(candidates: &'a Candidates) -> Self {
        let known = |part: i32| Some(part).filter(|part| *part > 0);
        let states = (0..candidates.len()).map(|place| {
            let birthday = candidates.birthday(place);
            State {
                members: vec![place],
                year: birthday.and_then(|date| known(date.year)),
                month: birthday.and_then(|date| known(date.month)),
                day: birthday.and_then(|date| known(date.day)),
                evidence: None,
            }
        });
        Self {
            parents: (0..candidates.len()).collect(),
            states: states.collect(),
            apart: vec![Vec::new(); candidates.len()],
            ids: candidates.ids(),
        }
    }

    /// Excludes these two from one group.
    pub(super) fn keep_apart(&mut self, a: usize, b: usize) {
        self.apart[a].push(b);
        self.apart[b].push(a);
    }

    /// Joins the groups of two contacts, unless any pair in them is excluded.
    pub(super) fn unite(&mut self, a: usize, b: usize, evidence: Evidence) {
        let (a, b) = (self.first(a), self.first(b));
        if a == b || !self.may_unite(a, b) {
            return;
        }
        let absorbed = std::mem::take(&mut self.states[b]);
        self.parents[b] = a;
        let state = &mut self.states[a];
        state.members.extend(absorbed.members);
        state.year = state.year.or(absorbed.year);
        state.month = state.month.or(absorbed.month);
        state.day = state.day.or(absorbed.day);
        let known = [state.evidence, absorbed.evidence].into_iter().flatten();
        state.evidence = Some(known.fold(evidence, Evidence::and));
    }

    /// Dates of birth are compared for whole groups, because a contact without one must
    /// not join two that differ.
    fn may_unite(&self, a: usize, b: usize) -> bool {
        let (one, other) = (&self.states[a], &self.states[b]);
        let mut apart = one.members.iter().flat_map(|member| &self.apart[*member]);
        one.members.len() + other.members.len() <= GROUP_MAX
            && agree(one.year, other.year)
            && agree(one.month, other.month)
            && agree(one.day, other.day)
            && !apart.any(|partner| self.first(*partner) == b)
    }

    /// The contacts that are in a group with others.
    pub(super) fn united(&self) -> Vec<bool> {
        let places = 0..self.parents.len();
        places
            .map(|place| self.states[self.first(place)].members.len() > 1)
            .collect()
    }

    pub(super) fn into_groups(self) -> Vec<Group> {
        let ids = self.ids;
        let groups = self.states.into_iter().filter_map(|state| {
            let evidence = state.evidence?;
            let members = state.members.iter().map(|place| ids[*place]);
            let mut members: Vec<ContactId> = members.collect();
            members.sort_unstable();
            Some(Group {
                score: evidence.score,
                reasons: evidence.reasons(),
                ids: members,
            })
        });
        groups.collect()
    }

    /// The first contact of the group. Paths are short, because groups are small.
    fn first(&self, mut place: usize) -> usize {
        while self.parents[place] != place {
            place = self.parents[place];
        }
        place
    }
}

fn agree<T: PartialEq + Copy>(a: Option<T>, b: Option<T>) -> bool {
    a.is_none() || b.is_none() || a == b
}
