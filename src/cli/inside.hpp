// What a script calls from inside a job: the way to the jobrun that it works for.
// Opens no ledger and reads no manifest, because scripts call these verbs in loops.
#pragma once

#include <string>

#include "base/json.hpp"
#include "base/result.hpp"
#include "cli/commands.hpp"
#include "contract/channel.hpp"
#include "handler/channel_client.hpp"

namespace jobrun {

/// True where this process belongs to a running attempt: JOBRUN_SOCKET is set.
bool is_inside(const Session& session);
/// Connected and introduced. Fault::usage outside of a run, Fault::gone where jobrun or the attempt has
/// ended.
Result<ChannelClient> channel_of(const Session& session);
/// One request on a connection of its own.
Result<Json> ask_jobrun(const Session& session, const ChannelRequest& request);
/// Words on stdout that a script will go by: Fault::ledger where they could not be written.
Result<Exit> answer_script(const std::string& text, Exit exit = Exit::done);

}  // namespace jobrun
