//! Every interleaving of a few refreshes, by model checking: two programs of one user with
//! the same session, and a thief who copies their tokens.
//!
//! Each statement on the database is one step. What is decided between them is the real
//! [`judge`], with real tokens; [`Row`] repeats the conditions of the statements.

use std::sync::LazyLock;

use chassis::settings::keyring::{KeyRing, generate_line};
use stateright::{Checker, Model, Property};

use super::*;
use crate::model::refresh_token::Codec;

const GRACE: TimeDelta = TimeDelta::seconds(30);
const IDLE: i64 = 200_000;
const THIEF: usize = 2;

/// The tokens of a session: each is derived from the one before.
static TOKENS: LazyLock<Vec<RefreshToken>> = LazyLock::new(|| {
    let codec = Codec::new(&KeyRing::parse(&generate_line(1).unwrap()).unwrap());
    let first = codec.first(chassis::user_id::UserId::generate(), uuid::Uuid::now_v7());
    std::iter::successors(first.ok(), |token| codec.successor(token, 1))
        .take(16)
        .collect()
});

/// A token, by its number in [`TOKENS`].
type Token = usize;

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

/// Why the session has ended.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum End {
    Reuse,
    LogOut,
}

/// The session in the database.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct Row {
    current: Token,
    previous: Option<Token>,
    request: u8,
    rotated: i64,
    idle: i64,
    revoked: Option<End>,
}

impl Row {
    /// `store::sessions::rotate`.
    fn rotate(&mut self, call: &Call) -> bool {
        let is_valid = self.revoked.is_none() && self.idle > call.began;
        if !is_valid || self.current != call.presented {
            return false;
        }
        self.previous = Some(self.current);
        self.current += 1;
        self.request = call.request;
        self.rotated = call.began;
        self.idle = call.began + IDLE;
        true
    }

    /// `store::session_ends::revoke`.
    fn revoke(&mut self, why: End) {
        self.revoked.get_or_insert(why);
    }

    /// `store::sessions::refresh_state`.
    fn state(&self) -> RefreshState {
        let hash = |token: Token| TOKENS[token].hash().to_vec();
        RefreshState {
            cur_hash: hash(self.current),
            cur_kid: 1,
            prev_hash: self.previous.map(hash),
            prev_request_hash: self.previous.map(|_| vec![self.request; 32]),
            rotate_time: self.previous.map(|_| time(self.rotated)),
            auth_time: time(0),
            amr: Vec::new(),
            idle_expire_time: time(self.idle),
            absolute_expire_time: time(10 * IDLE),
            revoked: self.revoked.is_some(),
            disabled: Some(false),
            roles: Some(Vec::new()),
            mfa_enabled: false,
            tokens_revoke_time: None,
        }
    }
}

/// A call of `RefreshToken`, on its way.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct Call {
    presented: Token,
    request: u8,
    began: i64,
    /// Whether the session had been revoked.
    began_revoked: bool,
    /// What it asks for was the current token when it began.
    began_current: bool,
    tries: usize,
    step: Step,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
enum Step {
    Rotate,
    Read,
    /// The token was used before.
    End,
    Answered(Result<Token, Refusal>),
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Refusal {
    Reused,
    Other,
}

/// Who makes calls: the programs of the user, and the thief.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct Party {
    token: Option<Token>,
    /// The id of its next request.
    request: u8,
    call: Option<Call>,
    calls_left: u8,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct World {
    now: usize,
    row: Row,
    parties: [Party; 3],
    /// What a rule forbids and has happened.
    broken: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    /// The time passes.
    Wait,
    /// The user logs out.
    LogOut,
    /// The thief copies the token of a program.
    Copy(usize),
    /// A call begins.
    Begin(usize),
    /// The next statement of a call.
    Go(usize),
    /// The response arrives.
    Receive(usize),
    /// The response is lost.
    Lose(usize),
}

/// Who takes part.
#[derive(Clone)]
struct Refreshes {
    programs: usize,
    has_thief: bool,
    logs_out: bool,
    /// How many calls each of them makes.
    calls: [u8; 3],
    /// When calls begin, in seconds.
    times: &'static [i64],
}

impl Refreshes {
    fn begin(&self, world: &mut World, who: usize) {
        let (began, row) = (self.times[world.now], world.row.clone());
        let party = &mut world.parties[who];
        let presented = party.token.unwrap();
        party.calls_left -= 1;
        party.call = Some(Call {
            presented,
            request: party.request,
            began,
            began_revoked: row.revoked.is_some(),
            began_current: row.current == presented,
            tries: 0,
            step: Step::Rotate,
        });
    }
}

/// The next statement of a call, and what [`Sessions::refresh`] makes of it.
fn go(world: &mut World, who: usize) {
    let call = world.parties[who].call.as_mut().unwrap();
    let refused = Step::Answered(Err(Refusal::Other));
    call.step = match call.step {
        Step::Rotate if world.row.rotate(call) => Step::Answered(Ok(call.presented + 1)),
        Step::Rotate => Step::Read,
        Step::Read => {
            let (state, presented) = (world.row.state(), &TOKENS[call.presented]);
            let request = Some(RequestId([call.request; 32]));
            call.tries += 1;
            match judge(&state, presented, request, GRACE, time(call.began)) {
                Ok(Verdict::TryAgain) if call.tries < TRIES => Step::Rotate,
                Ok(Verdict::Replay)
                    if state.cur_hash == TOKENS[call.presented + 1].hash().to_vec() =>
                {
                    Step::Answered(Ok(call.presented + 1))
                }
                Ok(Verdict::Replay | Verdict::Reuse) => Step::End,
                Ok(Verdict::TryAgain) | Err(_) => refused,
            }
        }
        Step::End => {
            world.row.revoke(End::Reuse);
            Step::Answered(Err(Refusal::Reused))
        }
        Step::Answered(_) => unreachable!("it is answered"),
    };
    if let Step::Answered(answer) = call.step {
        let call = call.clone();
        world.broken = world
            .broken
            .or_else(|| broken_rule(&world.row, &call, answer));
    }
}

/// The rule that an answer breaks.
fn broken_rule(row: &Row, call: &Call, answer: Result<Token, Refusal>) -> Option<&'static str> {
    let is_late = call.began - row.rotated > GRACE.num_seconds();
    match answer {
        Ok(_) if call.began_revoked => Some("a revoked session answered"),
        Ok(_) if call.began >= row.idle => Some("an expired session answered"),
        Ok(next) if next > row.current => Some("a token was made that is not stored"),
        // Only who made the refresh knows its request id.
        Ok(_) if is_late && !call.began_current && call.request != row.request => {
            Some("a stranger repeated a refresh after the grace period")
        }
        Err(Refusal::Reused) if row.revoked.is_none() => Some("a reuse did not end the session"),
        _ => None,
    }
}

impl Model for Refreshes {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let row = Row {
            current: 0,
            previous: None,
            request: 0,
            rotated: 0,
            idle: IDLE,
            revoked: None,
        };
        let party = |who: usize| Party {
            token: (who < self.programs).then_some(0),
            request: 16 * u8::try_from(who).unwrap(),
            call: None,
            calls_left: self.calls[who],
        };
        vec![World {
            now: 0,
            row,
            parties: [0, 1, THIEF].map(party),
            broken: None,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.now + 1 < self.times.len() {
            actions.push(Action::Wait);
        }
        if self.logs_out && world.row.revoked.is_none() {
            actions.push(Action::LogOut);
        }
        for (who, party) in world.parties.iter().enumerate() {
            match (&party.call, party.token) {
                (None, Some(_)) if party.calls_left > 0 => actions.push(Action::Begin(who)),
                (Some(call), _) if matches!(call.step, Step::Answered(_)) => {
                    actions.extend([Action::Receive(who), Action::Lose(who)]);
                }
                (Some(_), _) => actions.push(Action::Go(who)),
                _ => {}
            }
            if self.has_thief && who < self.programs && world.parties[THIEF].token != party.token {
                actions.push(Action::Copy(who));
            }
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut world = world.clone();
        match action {
            Action::Wait => world.now += 1,
            Action::LogOut => world.row.revoke(End::LogOut),
            Action::Copy(who) => world.parties[THIEF].token = world.parties[who].token,
            Action::Begin(who) => self.begin(&mut world, who),
            Action::Go(who) => go(&mut world, who),
            // The next attempt has the same token and the same request id.
            Action::Lose(who) => world.parties[who].call = None,
            Action::Receive(who) => {
                let party = &mut world.parties[who];
                let answer = party.call.take().map(|call| call.step);
                match answer {
                    Some(Step::Answered(Ok(token))) => {
                        party.token = Some(token);
                        party.request += 1;
                    }
                    _ => party.token = None,
                }
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no rule is broken", |_, world: &World| {
                world.broken.is_none()
            }),
            Property::always(
                "one program alone stays logged in",
                |model: &Self, world: &World| {
                    model.programs > 1 || model.has_thief || world.row.revoked != Some(End::Reuse)
                },
            ),
            Property::sometimes("a lost response is repeated", |_, world: &World| {
                world.parties.iter().any(|party| {
                    let call = party.call.as_ref();
                    call.is_some_and(|call| {
                        !call.began_current && matches!(call.step, Step::Answered(Ok(_)))
                    })
                })
            }),
        ]
    }
}

fn check(model: Refreshes) {
    let checker = model.checker().spawn_bfs().join();
    println!("{} states", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn a_program_and_a_thief_break_no_rule() {
    check(Refreshes {
        programs: 1,
        has_thief: true,
        logs_out: true,
        calls: [2, 0, 2],
        // Within the grace period, after it, when nothing can be repeated, and when all expired.
        times: &[0, 20, 60, 90_000, 400_000],
    });
}

#[test]
fn two_programs_and_a_thief_break_no_rule() {
    check(Refreshes {
        programs: 2,
        has_thief: true,
        logs_out: false,
        calls: [2, 1, 1],
        times: &[0, 60],
    });
}

#[test]
fn a_program_that_repeats_lost_calls_stays_logged_in() {
    check(Refreshes {
        programs: 1,
        has_thief: false,
        logs_out: false,
        calls: [6, 0, 0],
        times: &[0, 20, 60, 3_600, 86_400],
    });
}
