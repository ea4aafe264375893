//! Links between a primary and its replicas: they break, come back, and are mended from the backlog or by a full sync.

use rand::RngExt;
use rand_distr::Exp1;

use crate::engine::Schedule;
use crate::model::Event;
use crate::model::life::{Life, occasion};
use crate::model::observer::{Dropped, Happening, Observer};
use crate::model::server::{Link, Phase};
use crate::rng::Purpose;
use crate::units::{Bytes, SimDuration};

impl<O: Observer> Life<'_, O> {
    /// Schedules the next loss of a replica's link: a Poisson process.
    pub(super) fn schedule_link_loss(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        let per_day = self.host().replication.link_losses_per_day;
        if per_day <= 0.0 || self.state.members() == 1 {
            return;
        }
        let state = &mut self.state.servers[server];
        state.losses += 1;
        let mut generator = self.stream.at(Purpose::LinkLoss, occasion(server, state.losses));
        let days: f64 = generator.sample(Exp1);
        let pause = SimDuration::from_secs_f64(days / per_day * SimDuration::DAY.as_secs_f64());
        schedule.schedule(schedule.now() + pause, Event::LinkLost(server));
    }

    /// A link breaks, if there is one.
    pub(super) fn link_lost(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        self.schedule_link_loss(server, schedule);
        let now = schedule.now();
        if self.state.servers[server].phase != Phase::Serving {
            return;
        }
        match self.state.servers[server].link {
            Some(Link::Online) => {
                let position = self.state.position(self.state.shard_of(server), now);
                self.state.servers[server].link = Some(Link::Lost { position });
                self.tell(now, server, Happening::LinkLost);
                let outage = self.draw_outage(server);
                schedule.schedule(now + outage, Event::LinkFound(server));
            }
            Some(Link::Receiving(_)) => self.cut_sync(server, Dropped::LinkLost, schedule),
            _ => {}
        }
    }

    fn draw_outage(&self, server: usize) -> SimDuration {
        let occasion = occasion(server, self.state.servers[server].losses);
        let u: f64 = self.stream.at(Purpose::LinkOutage, occasion).random();
        SimDuration::from_secs_f64(self.host().replication.outage.quantile(u))
    }

    /// A link is back: what was missed comes from the backlog if it still covers that.
    pub(super) fn link_found(&mut self, server: usize, schedule: &mut Schedule<Event>) {
        let now = schedule.now();
        let Some(Link::Lost { position }) = self.state.servers[server].link else { return };
        let gap = self.state.position(self.state.shard_of(server), now) - position;
        if gap <= self.host().replication.backlog.as_f64() {
            self.state.servers[server].link = Some(Link::Online);
            self.outcome.partial_resyncs += 1;
            self.tell(now, server, Happening::PartialResync { gap: Bytes::from_f64(gap) });
        } else {
            self.want_full_sync(server, Some(gap), schedule);
        }
    }
}
