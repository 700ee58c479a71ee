// jobrun cursor: where the work stands. Inside of a job its own; by hand those of a job, to read and to mend.
#include "base/format.hpp"
#include "base/text.hpp"
#include "cli/inside.hpp"
#include "cli/run_words.hpp"
#include "cli/screen.hpp"
#include "contract/envelope.hpp"
#include "ledger/cursors.hpp"

namespace jobrun {

namespace {

constexpr std::int64_t most_history = 200;

std::string stream_of(const Session& session) {
  return session.args.has("--stream") ? session.args.value("--stream") : "-";
}

Result<Exit> own_cursor(const Session& session) {
  ChannelRequest request;
  request.op = ChannelOp::cursor;
  request.stream = stream_of(session);
  auto reply = ask_jobrun(session, request);
  if (!reply) return reply.error().during("cursor");
  const std::string& cursor = reply->at("cursor").as_string();
  return answer_script(cursor.empty() ? "" : cursor + "\n");
}

Json json_of(const CursorRow& row) {
  Json json =
      Json::object().set("unit", row.unit).set("stream", row.stream).set("value", json_or_null(row.value));
  return json.set("changed_at", row.changed_at)
      .set("run_id", json_or_null(row.run_id))
      .set("attempt", json_or_null(row.attempt))
      .set("reason", json_or_null(row.reason));
}

std::string by_whom(const CursorRow& row) {
  if (row.run_id) return fmt::format("{}#{}", *row.run_id, row.attempt.value_or(0));
  return "by hand: " + printable(row.reason.value_or(""));
}

Result<Exit> show(const Session& session, const std::string& job) {
  auto ledger = session.open(Ledger::Purpose::look);
  if (!ledger) return ledger.error();
  const std::string unit = session.args.value("--unit");
  auto rows = session.args.has("--history") ? cursor_history(**ledger, job, unit, most_history)
                                            : cursors_of(**ledger, job, unit);
  if (!rows) return rows.error();
  if (session.json()) {
    Json list = Json::array();
    for (const auto& row : *rows) list.push(json_of(row));
    return answer_script(
        Json::object().set("schema_version", 1).set("job", job).set("cursors", std::move(list)).dump() +
        "\n");
  }
  if (rows->empty())
    return answer_script(
        fmt::format("{} has no cursor{}\n", job, unit.empty() ? "" : " for " + printable(unit)));
  std::vector<std::vector<std::string>> lines = {{"UNIT", "STREAM", "CHANGED", "BY", "CURSOR"}};
  for (const auto& row : *rows)
    lines.push_back({printable(row.unit), printable(row.stream), row.changed_at, by_whom(row),
                     row.value ? printable(*row.value) : "(reset)"});
  return answer_script(table(lines, screen_width()));
}

/// Held for the moment of the change: a running attempt would write over it, or go on from another place.
Result<Exit> change(const Session& session, CursorChange wanted) {
  auto opened = session.open(Ledger::Purpose::run);
  if (!opened) return opened.error();
  Ledger& ledger = **opened;
  if (auto known = check_known_job(session, ledger, wanted.job); !known) return known.error();
  auto lease = ledger.lease(wanted.job, wanted.unit);
  if (!lease) return lease.error();
  if (!*lease)
    return Error(Fault::busy,
                 fmt::format("{} {} is running: it would go on from its own cursor", wanted.job,
                             printable(wanted.unit)),
                 "wait for its end, or end it; `jobrun status` tells");
  auto before = cursors_of(ledger, wanted.job, wanted.unit);
  if (!before) return before.error();
  auto written = ledger.write([&] { return change_cursor(ledger, wanted, session.clock.wall()); });
  if (!written) return written.error();
  if (auto said = warn_of_new_unit(session, ledger, wanted.job, wanted.unit); !said) return said.error();
  std::string was = "nothing";
  for (const auto& row : *before)
    if (row.stream == wanted.stream && row.value) was = printable(*row.value);
  return answer_script(
      fmt::format("{} {}{}: {}; it was {}\n", wanted.job, printable(wanted.unit),
                  wanted.stream == "-" ? "" : " " + printable(wanted.stream),
                  wanted.value ? "the cursor is " + printable(*wanted.value) : "the cursor is reset", was));
}

}  // namespace

Result<Exit> cmd_cursor(const Session& session) {
  const auto& words = session.args.words();
  if (words.empty()) return own_cursor(session);
  const bool sets = words[0] == "set", resets = words[0] == "reset";
  if ((!sets && !resets && words[0] != "show") || words.size() != (sets ? 3U : 2U))
    return usage_error("cursor takes nothing, `show JOB`, `set JOB VALUE` or `reset JOB`",
                       "jobrun cursor --help shows how");
  if (auto named = check_job_name(words[1]); !named) return named.error();
  auto places = find_places(session.args.value("--ledger"), "", session.environment);
  if (!places) return places.error();
  const Session placed{session.args, session.environment, session.clock, session.log, std::move(*places)};
  if (!sets && !resets) return show(placed, words[1]);
  CursorChange wanted;
  wanted.job = words[1];
  wanted.unit = session.args.has("--unit") ? session.args.value("--unit") : "-";
  wanted.stream = stream_of(session);
  wanted.reason = printable(session.args.value("--reason"));
  if (sets) wanted.value = words[2];
  if (auto good = check_unit_id(wanted.unit); !good) return good.error().during("--unit");
  if (sets && !is_utf8(words[2]))
    return usage_error("the cursor is not UTF-8", "encode it, for example as base64");
  if (trim(wanted.reason).empty())
    return usage_error("cursor " + words[0] + " needs --reason TEXT",
                       "say why; it is kept in the cursor's history");
  return change(placed, std::move(wanted));
}

}  // namespace jobrun
