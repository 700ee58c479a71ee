// systemd 252: a template service for all jobs, the units that serve all of them, and one job's timer and
// limits.
//
// Restart=on-failure with a list of codes that are not tried again: Type=oneshot takes no list of codes that
// are (RestartForceExitStatus= is refused there before systemd 256), so the codes for a person must be few
// and fixed.
#include "cli/emit.hpp"

namespace jobrun {

namespace {

// systemd-analyze security: 1.2. ProcSubset=pid is left out, it would hide the boot id; a filter of
// @resources would take ulimit and nice from jobs.
constexpr std::string_view confined =
    R"text(# What jobs may do. Open it for one of them in jobrun@JOB.service.d/: ReadWritePaths= for data that is not below
# /var/lib/jobrun, MemoryDenyWriteExecute=no for node and java, RestrictAddressFamilies= for anything but IP and Unix.
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
PrivateMounts=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
)text";

constexpr std::string_view as_whom = R"text(User=jobrun
Group=jobrun
StateDirectory=jobrun
StateDirectoryMode=0700
)text";

constexpr std::string_view service =
    R"text(# One run of the job %i, asked for by jobrun@%i.timer. The same for all jobs: what is one job's own stands in
# jobrun@JOB.service.d/. Run for real under systemd 252. Exit codes: jobrun(1), EXIT STATUS.
[Unit]
Description=jobrun job %i
Documentation=man:jobrun(1) man:jobrun-schedulers(7)
Wants=network-online.target
After=network-online.target
# jobrun itself caps the attempts. systemd's limit counts starts that went well too, and would lose runs.
StartLimitIntervalSec=0
# Once, when a person must act; never while it will be tried again.
OnFailure=jobrun-alert@%i.service

[Service]
Type=oneshot
ExecStart=jobrun %i --run-date ${RUN_DATE}
# Well: done, and paused. For a person: @person_codes@. All else is called again, @again_codes@ and whatever ends jobrun
# itself; a call before an attempt is due answers 75 and executes nothing. 203, 217 and 243 are systemd's own: it found
# no program, no user, no credential.
SuccessExitStatus=@left_alone_codes@
Restart=on-failure
RestartPreventExitStatus=@person_codes@ 203 217 243
RestartSec=1min
# SIGTERM to jobrun, which ends its job in an orderly way and records it as interrupted: the next start goes on.
KillMode=mixed
@as_whom@
@confined@)text";

constexpr std::string_view alert =
    R"text(# Somebody is told, once per failure of a unit that names it in OnFailure=. Put your own way of telling here. (Alerts
# in a manifest, see jobrun-manifest(5), know more: the unit, the reason, and when it is over.)
[Unit]
Description=Tell that %i needs a person
Documentation=man:jobrun-schedulers(7)

[Service]
Type=oneshot
Environment=TELL=root
# A service that somebody stopped ends with a code that only asks for another call: no news.
ExecStart=/bin/sh -c 'case "$$MONITOR_EXIT_STATUS" in @again_bars@) exit 0 ;; esac; { echo "To: $$TELL"; \
  echo "Subject: $$MONITOR_UNIT needs a person: exit status $$MONITOR_EXIT_STATUS"; echo; \
  timeout 20 journalctl --no-pager --lines=30 _SYSTEMD_INVOCATION_ID="$$MONITOR_INVOCATION_ID"; echo; \
  echo "next: sudo -u jobrun jobrun status"; } | /usr/sbin/sendmail -oi -t'
)text";

constexpr std::string_view tick_service =
    R"text(# Brings on what is due in any job: retries whose service has ended, and runs that a reboot cut off. It never starts a
# run that nobody asked for.
[Unit]
Description=jobrun: what is due in any job
Documentation=man:jobrun(1) man:jobrun-schedulers(7)
Wants=network-online.target
After=network-online.target
OnFailure=jobrun-alert@tick.service

[Service]
Type=oneshot
ExecStart=jobrun tick --quiet
SuccessExitStatus=@left_alone_codes@ @again_codes@
KillMode=mixed
TimeoutStartSec=infinity
@as_whom@
@confined@)text";

constexpr std::string_view tick_timer = R"text([Unit]
Description=jobrun: every five minutes, what is due in any job

[Timer]
OnCalendar=*:0/5
AccuracySec=10s

[Install]
WantedBy=timers.target
)text";

constexpr std::string_view prune_service =
    R"text(# What is old goes: attempts after 90 days, the keys of runs and effects much later.
[Unit]
Description=jobrun: forget what is old
Documentation=man:jobrun(1)
OnFailure=jobrun-alert@prune.service

[Service]
Type=oneshot
ExecStart=jobrun prune --quiet
@as_whom@
@confined@)text";

constexpr std::string_view prune_timer = R"text([Unit]
Description=jobrun: once a day, forget what is old

[Timer]
OnCalendar=*-*-* 05:17:00
Persistent=true

[Install]
WantedBy=timers.target
)text";

// A user of its own and not DynamicUser=: two instances of a template would be two users at one ledger.
constexpr std::string_view sysusers = R"text(u jobrun - "jobrun's jobs and their ledger" /var/lib/jobrun
)text";

constexpr std::string_view limits =
    R"text(# @job@: its run date, and limits that follow from its manifest. Write it anew when the manifest's timeout,
# grace, units, retry or secrets change. To begin: systemctl daemon-reload && systemctl enable --now jobrun@@job@.timer
[Service]
Environment=RUN_DATE=@token@
# The longest call: jobrun's own limits come first.
TimeoutStartSec=@call_seconds@
# grace, and some time to write down what happened
TimeoutStopSec=@stop_seconds@
RestartSec=@pause_seconds@
@credentials@)text";

constexpr std::string_view timer = R"text([Unit]
Description=jobrun job @job@: @token@, @zone@

[Timer]
@why_twice@OnCalendar=@calendar@
# once after the machine was off, however many times were missed: jobrun history @job@ --gaps
Persistent=true
AccuracySec=1s

[Install]
WantedBy=timers.target
)text";

std::string credentials(const Manifest& manifest) {
  std::string lines;
  for (const auto& [variable, secret] : manifest.secrets)
    if (secret.kind == SecretReference::Kind::credential)
      lines += "LoadCredential=" + secret.name + ":/etc/credstore/" + secret.name + "\n";
  return lines.empty() ? "" : "# secrets of the manifest; root's, 0600\n" + lines;
}

EmittedFile unit(const std::string& name, std::string_view text, Words words) {
  words.emplace_back("as_whom", as_whom);
  words.emplace_back("confined", confined);
  return {"systemd/system/" + name, filled(text, words)};
}

}  // namespace

EmittedFiles systemd_once() {
  const Words codes = words_of_codes();
  return {unit("jobrun@.service", service, codes),
          unit("jobrun-alert@.service", alert, codes),
          unit("jobrun-tick.service", tick_service, codes),
          unit("jobrun-tick.timer", tick_timer, codes),
          unit("jobrun-prune.service", prune_service, codes),
          unit("jobrun-prune.timer", prune_timer, codes),
          {"sysusers.d/jobrun.conf", std::string(sysusers)}};
}

Result<EmittedFiles> systemd_units(const Appointment& at) {
  Words words = words_of(at);
  words.emplace_back("credentials", credentials(at.manifest));
  const std::string instance = "jobrun@" + at.manifest.job;
  return EmittedFiles{unit(instance + ".service.d/job.conf", limits, words),
                      unit(instance + ".timer", timer, words)};
}

}  // namespace jobrun
