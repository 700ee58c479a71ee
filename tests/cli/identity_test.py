#!/usr/bin/python3
"""What makes two calls one run: the key, the label, the payload, the tokens of the run date (contract 2.2)."""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.jobrun_case import JobrunCase  # noqa: E402


class Identity(JobrunCase):
    def setUp(self):
        super().setUp()
        self.shell_job("sync", 'echo "$JOBRUN_RUN_ID $JOBRUN_RUN_DATE" >>$T/ran\n')

    def times_run(self):
        return len(self.read("ran").splitlines()) if self.has("ran") else 0

    def runs(self):
        return self.ledger("SELECT run_date, generation, run_id FROM runs ORDER BY id")


class Key(Identity):
    def test_a_run_that_is_done_is_not_done_again(self):
        self.assert_code(0, self.run_job("sync"))
        again = self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.times_run(), 1)
        since = self.value("SELECT changed_at FROM runs")
        self.assertEqual(again.out, f"sync for 2026-04-12 is done since {since}, run sync:2026-04-12\n")
        self.assertEqual(again.err, "")

    def test_elapsed_time_never_makes_a_second_run(self):
        for now in ("2026-04-12T02:00:00Z", "2026-04-12T02:00:01Z", "2036-04-12T02:00:00Z", "1999-01-01T00:00:00Z"):
            self.assert_code(0, self.run_job("sync", now=now))
        self.assertEqual(self.times_run(), 1)

    def test_another_date_is_another_run(self):
        self.assert_code(0, self.run_job("sync", date="2026-04-12"))
        self.assert_code(0, self.run_job("sync", date="2026-04-13"))
        self.assertEqual(self.times_run(), 2)

    def test_another_job_is_another_run(self):
        self.shell_job("mail", "echo r >>$T/ran\n")
        self.assert_code(0, self.run_job("sync"))
        self.assert_code(0, self.run_job("mail"))
        self.assertEqual(self.times_run(), 2)

    def test_run_is_the_long_form_of_the_main_call(self):
        self.assert_code(0, self.run_jobrun("run", "sync", "--run-date", "2026-04-12"))
        self.assert_code(0, self.run_jobrun("sync", "--run-date=2026-04-12"))
        self.assertEqual(self.times_run(), 1)

    def test_an_instant_is_one_run_date_however_it_is_written(self):
        for date in ("2026-04-12T02:00:00Z", "2026-04-12T04:00:00+02:00", "2026-04-11T22:00:00.000-04:00", "2026-04-12t02:00:00z"):
            self.assert_code(0, self.run_job("sync", date=date))
        self.assertEqual(self.times_run(), 1)
        self.assertEqual(self.runs(), [("2026-04-12T02:00:00Z", 1, "sync:2026-04-12T02:00:00Z")])


class Label(Identity):
    def test_a_run_id_that_is_left_out_is_derived_from_job_and_date(self):
        self.assert_code(0, self.run_job("sync"))
        self.assertEqual(self.read("ran"), "sync:2026-04-12 2026-04-12\n")

    def test_another_run_id_for_the_same_key_joins_the_run_and_says_so(self):
        self.assert_code(0, self.run_job("sync", "--run-id", "nightly-1"))
        joined = self.assert_code(0, self.run_job("sync", "--run-id", "nightly-2"))
        self.assert_says(joined, "nightly-2", "joins run nightly-1")
        self.assertEqual(self.times_run(), 1)

    def test_random_run_ids_can_not_defeat_dedupe(self):
        for number in range(8):
            self.assert_code(0, self.run_job("sync", "--run-id", f"random-{number}-{id(self)}"))
        self.assertEqual(self.times_run(), 1)

    def test_a_joining_call_that_executes_keeps_its_own_label_with_its_attempt(self):
        self.shell_job("flaky", 'test "$JOBRUN_ATTEMPT" -ge 2\n', retry={"first_delay": "0s"})
        self.assert_code(75, self.run_job("flaky", "--run-id", "one"))
        joined = self.assert_code(0, self.run_job("flaky", "--run-id", "two"))
        self.assert_says(joined, "asked for as two, joins run one")
        self.assertEqual(self.ledger("SELECT c.run_id FROM attempts a JOIN calls c ON c.id = a.call ORDER BY a.id"), [("one",), ("two",)])
        self.assertEqual(self.runs(), [("2026-04-12", 1, "one")])

    def test_the_same_run_id_for_another_date_is_a_conflict(self):
        self.assert_code(0, self.run_job("sync", "--run-id", "nightly"))
        before = self.dump()
        conflict = self.assert_code(86, self.run_job("sync", "--run-id", "nightly", date="2026-04-13"))
        self.assertEqual(conflict.err, "jobrun: run id nightly already names the run of sync for 2026-04-12\n"
                                       "hint: use another --run-id, or leave it out\n")
        self.assertEqual(self.times_run(), 1)
        self.assertEqual(self.dump(), before)

    def test_a_derived_run_id_is_taken_as_well(self):
        self.assert_code(0, self.run_job("sync"))
        self.assert_code(86, self.run_job("sync", "--run-id", "sync:2026-04-12", date="2026-04-13"))

    def test_two_jobs_may_use_one_run_id(self):
        self.shell_job("mail", "true\n")
        self.assert_code(0, self.run_job("sync", "--run-id", "nightly"))
        self.assert_code(0, self.run_job("mail", "--run-id", "nightly", date="2026-04-13"))

    def test_a_run_id_may_have_the_characters_of_the_contract_and_128_of_them(self):
        self.assert_code(0, self.run_job("sync", "--run-id", ("Az09._:@/-" * 13)[:128]))
        for bad in ("", "a b", "x" * 129, "é", "a\nb", "a;b", "a%b"):
            with self.subTest(bad):
                self.assert_says(self.assert_code(64, self.run_job("sync", "--run-id", bad, date="2026-05-01")), "is not a run id")


class Payload(Identity):
    def test_a_derived_run_id_that_another_date_has_is_a_conflict_that_says_what_to_do(self):
        self.shell_job("sync", "echo ran >>$T/out\n")
        self.assert_code(0, self.run_job("sync", "--run-id", "sync:2026-04-13", date="2026-04-12"))
        conflict = self.assert_code(86, self.run_job("sync", date="2026-04-13"))
        self.assertEqual(conflict.err, "jobrun: run id sync:2026-04-13 already names the run of sync for 2026-04-12\n"
                                       "hint: give this run a --run-id of its own\n")
        self.assert_code(0, self.run_job("sync", "--run-id", "late", date="2026-04-13"))
        self.assert_code(0, self.run_job("sync", date="2026-04-13"))

    def test_the_same_key_with_another_payload_is_a_conflict(self):
        self.assert_code(0, self.run_job("sync", "--payload", '{"month": 3}'))
        before = self.dump()
        conflict = self.assert_code(86, self.run_job("sync", "--payload", '{"month": 4}'))
        self.assert_says(conflict, "another payload", "nothing was executed", "--again --reason")
        self.assertEqual(self.dump(), before)

    def test_a_payload_for_a_run_that_had_none_is_a_conflict(self):
        self.assert_code(0, self.run_job("sync"))
        self.assert_code(86, self.run_job("sync", "--payload", "{}"))

    def test_a_conflicting_payload_does_not_touch_a_run_that_has_not_ended(self):
        self.shell_job("bad", "exit 1\n", retry={"first_delay": "0s"})
        self.assert_code(75, self.run_job("bad", "--payload", "1"))
        self.assert_code(86, self.run_job("bad", "--payload", "2"))
        self.assertEqual(len(self.attempts("bad")), 1)

    def test_payloads_are_compared_by_value_not_by_spelling(self):
        self.assert_code(0, self.run_job("sync", "--payload", '{"b": [1, 2.0], "a": {"y": "é", "x": null}}'))
        for same in ('{"a":{"x":null,"y":"\\u00e9"},"b":[1,2.0]}', '\n{ "a" : {"y":"é", "x":null},\t"b":[1 , 2.0] }\n'):
            with self.subTest(same):
                self.assert_code(0, self.run_job("sync", "--payload", same))

    def test_the_order_of_a_list_is_part_of_its_value(self):
        self.assert_code(0, self.run_job("sync", "--payload", "[1, 2]"))
        self.assert_code(86, self.run_job("sync", "--payload", "[2, 1]"))

    def test_a_payload_comes_from_the_line_a_file_or_standard_input(self):
        self.assert_code(0, self.run_job("sync", "--payload", '{"a": 1}'))
        self.assert_code(0, self.run_job("sync", "--payload", "@" + self.write("payload.json", '{"a":1}')))
        self.assert_code(0, self.run_job("sync", "--payload", "-", stdin='{ "a": 1 }'))
        self.assert_code(86, self.run_job("sync", "--payload", "-", stdin='{"a": 2}'))

    def test_a_call_without_a_payload_joins_the_run_that_has_one(self):
        self.shell_job("twice", 'cat >>$T/input; test "$JOBRUN_ATTEMPT" -ge 2\n', retry={"first_delay": "0s"})
        self.assert_code(75, self.run_job("twice", "--payload", '{"a":1}'))
        self.assert_code(0, self.run_job("twice"))
        self.assertEqual(self.read("input"), '{"a":1}' * 2)

    def test_the_manifests_payload_is_frozen_in_the_run(self):
        self.shell_job("twice", 'cat >>$T/input; test "$JOBRUN_ATTEMPT" -ge 2\n', retry={"first_delay": "0s"}, payload={"a": 1})
        self.assert_code(75, self.run_job("twice"))
        self.shell_job("twice", 'cat >>$T/input; test "$JOBRUN_ATTEMPT" -ge 2\n', retry={"first_delay": "0s"}, payload={"a": 2})
        self.assert_code(0, self.run_job("twice"))
        self.assertEqual(self.read("input"), '{"a":1}' * 2)


class Again(Identity):
    def test_again_starts_a_new_generation_and_keeps_the_reason(self):
        self.assert_code(0, self.run_job("sync"))
        self.assert_code(0, self.run_job("sync", "--again", "--reason", "the ledger of the bank was corrected"))
        self.assertEqual(self.times_run(), 2)
        self.assertEqual(self.ledger("SELECT generation, again_reason FROM runs ORDER BY id"),
                         [(1, None), (2, "the ledger of the bank was corrected")])
        self.assert_says(self.run_jobrun("show", "sync:2026-04-12"), "generation 2", "the ledger of the bank was corrected")

    def test_the_new_generation_is_the_run_that_later_calls_meet(self):
        self.assert_code(0, self.run_job("sync"))
        self.shell_job("sync", "exit 80\n")
        self.assert_code(80, self.run_job("sync", "--again", "--reason", "why not"))
        self.assert_code(80, self.run_job("sync"))

    def test_again_may_bring_another_payload(self):
        self.assert_code(0, self.run_job("sync", "--payload", "1"))
        self.assert_code(0, self.run_job("sync", "--payload", "2", "--again", "--reason", "other input"))
        self.assert_code(0, self.run_job("sync", "--payload", "2"))
        self.assert_code(86, self.run_job("sync", "--payload", "1"))

    def test_again_is_refused_while_the_run_has_not_ended(self):
        self.shell_job("bad", "exit 1\n")
        self.assert_code(75, self.run_job("bad"))
        refused = self.assert_code(64, self.run_job("bad", "--again", "--reason", "x"))
        self.assert_says(refused, "--again: bad for 2026-04-12 has not ended (retrying)")
        self.assertEqual(len(self.runs()), 1)

    def test_again_without_an_earlier_run_is_its_first_generation(self):
        self.assert_code(0, self.run_job("sync", "--again", "--reason", "x"))
        self.assertEqual(self.runs(), [("2026-04-12", 1, "sync:2026-04-12")])

    def test_again_takes_effect_keys_from_the_generation_before(self):
        self.channel_job("pay", 'reply = ask("intend", key="invoice:1", if_in_doubt="stop")\n'
                                'open(T + "/said", "a").write(reply["state"] + " " + reply.get("token", "") + "\\n")\n'
                                'reply["state"] == "intended" and ask("confirm", key="invoice:1", result="r1")\n')
        self.assert_code(0, self.run_job("pay"))
        self.assert_code(0, self.run_job("pay", "--again", "--reason", "x"))
        first, second = self.read("said").splitlines()
        self.assertRegex(first, "^intended .+")
        self.assertEqual(second, "confirmed ")


class RunDateTokens(Identity):
    def resolved(self, token, now, tz=None):
        outcome = self.run_job("sync", *(["--tz", tz] if tz else []), date=token, now=now)
        self.assert_code(0, outcome)
        date = self.ledger("SELECT run_date FROM runs ORDER BY id DESC LIMIT 1")[0][0]
        self.assertTrue(outcome.err.startswith(f"jobrun: --run-date {token} is {date} ({tz or 'UTC'})\n"), outcome.err)
        return date

    def check(self, table):
        for token, now, tz, expected in table:
            with self.subTest(token=token, now=now, tz=tz):
                self.ledger_of_its_own()
                self.assertEqual(self.resolved(token, now, tz), expected)

    def ledger_of_its_own(self):
        self.state = self.path(f"state-{len(os.listdir(self.folder))}")
        self.ledger_path = os.path.join(self.state, "ledger.db")
        self.new_ledger()

    def test_tokens_are_resolved_in_the_named_zone_else_in_utc(self):
        self.check([
            ("today", "2026-04-12T23:30:00Z", None, "2026-04-12"),
            ("today", "2026-04-12T23:30:00Z", "Pacific/Auckland", "2026-04-13"),
            ("today", "2026-04-12T03:30:00Z", "America/New_York", "2026-04-11"),
            ("yesterday", "2026-04-12T23:30:00Z", None, "2026-04-11"),
            ("yesterday", "2026-03-01T00:00:00Z", None, "2026-02-28"),
            ("yesterday", "2024-03-01T00:00:00Z", None, "2024-02-29"),
            ("yesterday", "2026-01-01T00:00:00Z", "Europe/Berlin", "2025-12-31"),
            ("yesterday", "2011-12-30T12:00:00Z", "Pacific/Apia", "2011-12-29"),  # the 30th was left out there
        ])

    def test_daily_is_the_latest_such_time_that_has_come(self):
        self.check([
            ("daily@02:00", "2026-04-12T02:00:00Z", None, "2026-04-12"),
            ("daily@02:00", "2026-04-12T01:59:59Z", None, "2026-04-11"),
            ("daily@02:00", "2026-04-12T23:59:59Z", None, "2026-04-12"),
            ("daily@02:00", "2026-04-13T00:30:00Z", None, "2026-04-12"),  # a retry after midnight
            ("daily@23:50", "2026-04-13T00:10:00Z", None, "2026-04-12"),
            ("daily@02:00", "2026-04-12T00:30:00Z", "Europe/Berlin", "2026-04-12"),
        ])

    def test_daily_in_a_gap_of_the_clock_moves_forward(self):
        # New York, 2026-03-08: 02:00 to 03:00 was skipped, so 02:30 is 03:30 EDT, 07:30 UTC.
        self.check([
            ("daily@02:30", "2026-03-08T07:29:59Z", "America/New_York", "2026-03-07"),
            ("daily@02:30", "2026-03-08T07:30:00Z", "America/New_York", "2026-03-08"),
        ])

    def test_daily_in_a_fold_of_the_clock_takes_the_first(self):
        # New York, 2026-11-01: 01:30 comes at 05:30 UTC and at 06:30 UTC.
        self.check([
            ("daily@01:30", "2026-11-01T05:29:59Z", "America/New_York", "2026-10-31"),
            ("daily@01:30", "2026-11-01T05:30:00Z", "America/New_York", "2026-11-01"),
            ("daily@01:30", "2026-11-01T06:30:00Z", "America/New_York", "2026-11-01"),
        ])

    def test_hourly_is_the_latest_such_minute(self):
        self.check([
            ("hourly@05", "2026-04-12T10:05:00Z", None, "2026-04-12T10:05:00Z"),
            ("hourly@05", "2026-04-12T10:04:59Z", None, "2026-04-12T09:05:00Z"),
            ("hourly@05", "2026-04-12T00:00:00Z", None, "2026-04-11T23:05:00Z"),
            ("hourly@05", "2026-04-12T10:03:00Z", "Asia/Kolkata", "2026-04-12T09:35:00Z"),
            # Both hours of a fold count: they are two periods.
            ("hourly@00", "2026-11-01T05:10:00Z", "America/New_York", "2026-11-01T05:00:00Z"),
            ("hourly@00", "2026-11-01T06:10:00Z", "America/New_York", "2026-11-01T06:00:00Z"),
        ])

    def test_every_counts_from_midnight_in_the_zone(self):
        self.check([
            ("every@15m", "2026-04-12T10:22:30Z", None, "2026-04-12T10:15:00Z"),
            ("every@15m", "2026-04-12T10:15:00Z", None, "2026-04-12T10:15:00Z"),
            ("every@6h", "2026-04-12T10:22:30Z", "Asia/Kolkata", "2026-04-12T06:30:00Z"),
            ("every@6h", "2026-03-08T12:00:00Z", "America/New_York", "2026-03-08T11:00:00Z"),
            ("every@24h", "2026-04-12T10:22:30Z", None, "2026-04-12T00:00:00Z"),
        ])

    def test_calls_within_one_period_are_one_run(self):
        for now in ("2026-04-12T02:00:00Z", "2026-04-12T13:00:00Z", "2026-04-13T01:59:00Z"):
            self.assert_code(0, self.run_job("sync", date="daily@02:00", now=now))
        self.assertEqual(self.times_run(), 1)
        self.assertEqual(self.runs(), [("2026-04-12", 1, "sync:2026-04-12")])

    def test_a_token_and_the_date_it_stands_for_are_one_run(self):
        self.assert_code(0, self.run_job("sync", date="yesterday", now="2026-04-13T02:00:00Z"))
        self.assert_code(0, self.run_job("sync", date="2026-04-12"))
        self.assertEqual(self.times_run(), 1)

    def test_the_manifests_zone_counts_where_the_call_names_none(self):
        self.shell_job("sync", "true\n", timezone="Pacific/Auckland")
        self.assert_code(0, self.run_job("sync", date="today", now="2026-04-12T23:30:00Z"))
        self.assert_code(0, self.run_job("sync", "--tz", "UTC", date="today", now="2026-04-12T23:30:00Z"))
        self.assertEqual([row[0] for row in self.runs()], ["2026-04-13", "2026-04-12"])

    def test_the_machines_zone_never_decides(self):
        self.assert_code(0, self.run_job("sync", date="today", now="2026-04-12T23:30:00Z", env={"TZ": "Pacific/Auckland"}))
        self.assertEqual([row[0] for row in self.runs()], ["2026-04-12"])

    def test_the_job_is_told_the_time_that_now_set(self):
        self.shell_job("clock", 'echo "$JOBRUN_NOW" >$T/now\n')
        self.assert_code(0, self.run_job("clock", now="2026-04-12T02:00:00Z"))
        self.assertRegex(self.read("now"), r"^2026-04-12T02:00:0\d\.\d\d\dZ$")


class WhoCalled(Identity):
    def test_each_caller_is_recorded_with_its_own_id(self):
        cron = {"SHELL": "/bin/sh", "LOGNAME": "ops", "PATH": "/usr/bin:/bin", "LANG": None}
        pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOSTNAME": "sync-29595960-x7k2p"}
        for number, (environment, kind, own_id) in enumerate([
                (cron, "cron", ""), ({"INVOCATION_ID": "0f3a"}, "systemd", "0f3a"), (pod, "kubernetes", "sync-29595960-x7k2p"),
                ({"CI": "true", "GITHUB_RUN_ID": "17"}, "github", "17"), ({**pod, "CI": "true", "CI_PIPELINE_ID": "18"}, "gitlab", "18"),
                ({"BUILD_TAG": "jenkins-sync-4"}, "jenkins", "jenkins-sync-4"), ({"CI": "true"}, "ci", ""),
                ({"INVOCATION_ID": "0f3a", "AIRFLOW_CTX_DAG_RUN_ID": "manual__1"}, "airflow", "manual__1"),
                ({"NOMAD_ALLOC_ID": "b1"}, "nomad", "b1"), ({"SLURM_JOB_ID": "77", **cron}, "slurm", "77"), ({}, "other", "")]):
            with self.subTest(kind):
                date = f"2026-04-{number + 1:02}"
                self.assert_code(0, self.run_job("sync", date=date, env=environment))
                self.assertEqual([(kind, own_id)], self.ledger("SELECT c.caller, c.caller_id FROM attempts a JOIN calls c ON c.id = a.call"
                                                               " JOIN units u ON u.id = a.unit JOIN runs r ON r.id = u.run WHERE r.run_date = ?", date))


if __name__ == "__main__":
    unittest.main()
