//! Whether response times reveal if an e-mail has an account.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::Goal;
use super::memory::stop;
use crate::error::Result;
use crate::load::stage::Stage;
use crate::load::world::{Addresses, Asked, World, new_email};

/// The number of calls for known and for unknown e-mails each. Together they stay below
/// the number of wrong passwords after which an address is slowed down.
const CALLS: usize = 120;
/// Fewer than the mails that one address can request at once; further requests send no
/// mail.
const MAILS_OF_ADDRESS: usize = 40;

pub(super) async fn measure(stage: &Stage) -> Result<Vec<Goal>> {
    let mut world = World::clone(&stage.pair().world);
    world.meet_strangers(CALLS).await?;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..CALLS {
        known.push(world.guess(world.stranger(number)).await?);
        unknown.push(world.guess(&new_email()).await?);
    }
    let mut goals = vec![goal("LogIn with a wrong password", known, unknown)];

    let pair = stage.start_with_mail().await?;
    let world = world.behind(Addresses {
        auth: pair.0.address(),
        contacts: pair.1.address(),
    });
    for (what, asked) in [
        ("RequestPasswordReset", Asked::Reset),
        ("SendEmailVerification", Asked::Verification),
    ] {
        goals.push(mails(&world, what, asked).await?);
    }
    stop(pair).await;
    Ok(goals)
}

/// Requests one mail for each e-mail, because an account gets only a few at once.
async fn mails(world: &World, what: &str, asked: Asked) -> Result<Goal> {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..CALLS {
        let from = caller(2 * number / MAILS_OF_ADDRESS);
        let stranger = world.stranger(number);
        known.push(world.ask_for_mail(asked, stranger, from).await?);
        unknown.push(world.ask_for_mail(asked, &new_email(), from).await?);
    }
    Ok(goal(what, known, unknown))
}

/// All of 127.0.0.0/8 are addresses of this machine.
fn caller(number: usize) -> IpAddr {
    let last = u8::try_from(number + 2).unwrap_or(u8::MAX);
    Ipv4Addr::new(127, 0, 0, last).into()
}

fn goal(what: &str, known: Vec<Duration>, unknown: Vec<Duration>) -> Goal {
    let (known, unknown) = (median(known), median(unknown));
    let what = format!("median of {what}: by how much known and unknown e-mails differ");
    let from = format!("{known:.0} us known, {unknown:.0} us unknown, {CALLS} in turn");
    Goal::at_most(&what, (known / unknown - 1.0).abs(), 0.1, &from)
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}
