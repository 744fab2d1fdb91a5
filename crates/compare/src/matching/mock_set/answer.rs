//! How one call is answered, and with whom it is noted.

use std::borrow::Cow;

use super::*;

impl MockSet {
    /// Answers a call of these owners; `look` says where to look first.
    pub(super) fn answer(
        &mut self,
        call: Call,
        rules: &'static Rules,
        probe: bool,
        owners: &Owners,
        look: Look,
    ) -> Answer {
        let near = Near {
            recorded: self.recorded_at(owners),
            replayed: Some(call.at),
            short: self.values.short(),
        };
        let (canon, own) = self.read(&call, owners, near);
        let writes = !probe && self.is_write(&call, rules);
        let asking = Asking {
            canon,
            own,
            values: &self.values,
            near,
        };
        let mut places = Places {
            sets: &self.sets,
            running: &mut self.running,
            shared: &mut self.shared,
            behind: &self.recent,
            writes,
        };
        let found = places.look(owners, &asking, look);
        let is_late = !probe && found.as_ref().is_none_or(|found| found.hit.again);
        let found = match is_late {
            true => places.find_behind(owners, &asking).or(found),
            false => found,
        };
        let canon = asking.canon;
        let is_late = is_late && writes && found.is_none();
        let (found, owners) = match is_late.then(|| self.find_ahead(&call, owners, near)) {
            Some(Some((found, owners))) => (Some(found), &owners.clone()),
            _ => (found, owners),
        };
        let of_a_job = !probe
            && found.is_none()
            && step(&call.request) == Step::Within
            && self.is_a_jobs(&call, &canon);
        if !probe && step(&call.request) == Step::Within {
            let source = found.as_ref().map(|found| found.source);
            let source = source.or(of_a_job.then_some(Source::Background));
            self.in_transaction(&call, owners, source);
        }
        if let Some(Found { hit, source }) = &found
            && let Source::Crowd(at) = source
            && let Some(running) = self.running.get_mut(*at)
            && !running.ambiguous
        {
            running.ambiguous = self.shared.is_ambiguous(&self.sets, hit.origin, &canon);
        }
        match found {
            Some(found) => self.serve(call, rules, owners, found, probe),
            None if probe => self.describe(call, &canon, rules, owners),
            None => {
                if let Some(answer) = catalogue::of_its_parts(&call, &self.sets) {
                    return Answer::Serve(Arc::new(answer));
                }
                if of_a_job && let Some(answer) = self.answer_a_job(&call, &canon) {
                    return answer;
                }
                if !of_a_job && let Some(answer) = self.answer_of_another(&call, owners, writes) {
                    let how = Observed::Extra { index: None };
                    self.note(call, rules, owners, how, &answer);
                    return Answer::Serve(Arc::new(answer));
                }
                let miss = self.miss(&call, rules, &canon, owners);
                if look == Look::Session || of_a_job {
                    // The end of a transaction with nothing in it, which a server answers itself; or
                    // no test's.
                    return Answer::Miss(Box::new(miss));
                }
                self.missed = Some(self.count);
                let how = Observed::Unknown(Box::new(miss.clone()));
                self.note(call, rules, owners, how, &Value::Null);
                Answer::Miss(Box::new(miss))
            }
        }
    }

    /// What a connection that listens is to be told now.
    pub(super) fn listen(&mut self, call: Call, rules: &'static Rules, owners: &Owners) -> Answer {
        let open = owners.all().filter_map(|at| self.running.get(at));
        let open = open.map(|running| (running.set, running.number));
        let due = self.heard.next(&call, open, self.sets.len());
        match due.and_then(|origin| mock(&self.sets, origin)) {
            Some(mock) => Answer::Serve(Arc::new(self.values.carry(&mock.response).into_owned())),
            None => Answer::Miss(Box::new(Miss {
                test: None,
                summary: summary(&call.request, rules),
                to: call.to,
                nearest: None,
            })),
        }
    }

    /// The call less the noise of the set, and less that of each test with rules of its own.
    pub(super) fn read(
        &mut self,
        call: &Call,
        owners: &Owners,
        near: Near,
    ) -> (Canon, Vec<(usize, Canon)>) {
        let nothing = RuleSet::default();
        let set = owners
            .first()
            .and_then(|at| self.running.get(at))
            .map(|r| r.set);
        let of_set = self.noise.get(set.unwrap_or(0)).unwrap_or(&nothing);
        let mut canon = |noise: &RuleSet| {
            let mut reading = Reading {
                rules: &self.rules,
                noise,
                statements: &mut self.statements,
            };
            reading.canon(&call.to, &call.request, call.protocol, near)
        };
        let own = owners
            .all()
            .filter_map(|at| Some((at, self.running.get(at)?.noise.as_ref()?)))
            .map(|(at, noise)| (at, canon(noise)))
            .collect();
        (canon(of_set), own)
    }

    fn serve(
        &mut self,
        call: Call,
        rules: &'static Rules,
        owners: &Owners,
        found: Found,
        probe: bool,
    ) -> Answer {
        let Found { hit, source } = found;
        self.heard.served(hit.origin);
        // With the recorded time it is chance whether a moment is the same.
        let by_kind = hit
            .pairs
            .iter()
            .filter(|p| p.recorded != p.candidate || p.kind.is_moment())
            .count() as u64;
        let has_more = |p: &&Pair| p.kind.is_moment() || p.kind == TokenKind::Jwt;
        let pairs: Vec<Pair> = hit.pairs.iter().filter(has_more).cloned().collect();
        let own: Vec<(String, String)> = match hit.again {
            // Said again: what it made is not what the recording's next tests know.
            true => hit
                .pairs
                .into_iter()
                .map(|p| (p.recorded, p.candidate))
                .collect(),
            false => {
                for pair in &hit.pairs {
                    self.values.bind(pair.kind, &pair.recorded, &pair.candidate);
                }
                Vec::new()
            }
        };
        let mut has_new_values = false;
        let answer = match mock(&self.sets, hit.origin) {
            Some(mock) => {
                let carried = self.values.carry_with(&mock.response, &own);
                has_new_values = matches!(carried, Cow::Owned(_));
                let mut answer = carried.into_owned();
                columns::put(
                    &mut answer,
                    &mock.request,
                    &call.request,
                    rules,
                    &mut self.statements,
                );
                answer
            }
            None => Value::Null,
        };
        let index = hit.origin.index;
        let how = match source {
            Source::Test(_) if hit.again => Some(Observed::Extra { index: Some(index) }),
            Source::Test(_) => Some(Observed::Matched {
                index: Some(index),
                origin: hit.origin,
                by_kind,
                pairs,
            }),
            Source::Crowd(at) => {
                let own = self
                    .running
                    .get(at)
                    .is_some_and(|running| hit.origin.test == Some(running.number));
                let index = own.then_some(index);
                Some(match hit.again {
                    true => Observed::Extra { index },
                    false => Observed::Matched {
                        index,
                        origin: hit.origin,
                        by_kind,
                        pairs,
                    },
                })
            }
            // Start-up again is what a new connection does; a write at that time is not, unless the
            // service has jobs, whose first time may come late.
            Source::Startup if (hit.again || !self.has_news()) && self.is_write(&call, rules) => {
                Some(Observed::Extra { index: None })
            }
            Source::Startup | Source::Session | Source::Background => None,
        };
        let owners = match source {
            Source::Test(at) | Source::Crowd(at) => &owners.only(at),
            _ => owners,
        };
        let noted = owners.first().and_then(|at| self.running.get_mut(at));
        if let Some(running) = noted.filter(|_| has_new_values) {
            running.has_new_values = true;
        }
        if let Some(how) = how.filter(|_| !probe) {
            self.note(call, rules, owners, how, &answer);
        }
        Answer::Serve(Arc::new(answer))
    }

    /// The description of a statement that the recording did not describe, but ran.
    fn describe(
        &mut self,
        call: Call,
        canon: &Canon,
        rules: &'static Rules,
        owners: &Owners,
    ) -> Answer {
        if is_empty(&call.request) {
            return Answer::Serve(Arc::new(Value::map([("empty", true.into())])));
        }
        let described = self
            .described
            .get_or_insert_with(|| Described::read(&self.sets, &mut self.statements));
        match described.answer(&call.to, &call.request, &mut self.statements) {
            Some(answer) => Answer::Serve(Arc::new(answer)),
            None => Answer::Miss(Box::new(self.miss(&call, rules, canon, owners))),
        }
    }

    fn miss(&mut self, call: &Call, rules: &Rules, canon: &Canon, owners: &Owners) -> Miss {
        let elsewhere = self
            .elsewhere
            .get_or_insert_with(|| Elsewhere::read(&self.sets, &self.rules, &mut self.statements));
        let around = Around {
            owners,
            running: &self.running,
            shared: &self.shared,
            sets: &self.sets,
            values: &self.values,
            made: &self.made,
        };
        around.miss(call, rules, canon, elsewhere, &mut self.statements)
    }

    pub(super) fn is_write(&mut self, call: &Call, rules: &Rules) -> bool {
        known_effect(&call.request, rules, &mut self.statements) == Effect::Write
    }

    pub(super) fn note(
        &mut self,
        call: Call,
        rules: &'static Rules,
        owners: &Owners,
        how: Observed,
        answer: &Value,
    ) {
        let effect = known_effect(&call.request, rules, &mut self.statements);
        let observed = ObservedCall {
            summary: summary(&call.request, rules),
            effect: answered_effect(effect, answer),
            shared: owners.several(),
            transaction: self.transaction_of(&call),
            conn: call.conn,
            to: call.to,
            at: call.at,
            protocol: call.protocol,
            request: call.request,
        };
        match owners.first().and_then(|at| self.running.get_mut(at)) {
            Some(running) => running.observe(observed, how),
            None => {
                if let Observed::Unknown(miss) = how {
                    self.orphan(*miss);
                }
            }
        }
    }

    pub(super) fn orphan(&mut self, miss: Miss) {
        if self.orphans.len() < ORPHANS {
            self.orphans.push(miss);
        } else {
            self.orphans_beyond += 1;
        }
    }

    pub(super) fn recorded_at(&self, owners: &Owners) -> Option<retake_model::Timestamp> {
        let running = owners.first().and_then(|at| self.running.get(at));
        match running.and_then(|r| test_case(&self.sets, (r.set, r.number))) {
            Some(case) => Some(case.at),
            None => self.sets.first().map(|set| set.info.recorded),
        }
    }
}
