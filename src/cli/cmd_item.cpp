// jobrun item done|is-done ID: completed records, for work that has no order.
#include <unistd.h>

#include "base/text.hpp"
#include "cli/inside.hpp"
#include "contract/envelope.hpp"
#include "handler/capture.hpp"

namespace jobrun {

namespace {

constexpr std::size_t list_limit = 256 * 1024 * 1024;
constexpr Exit not_done = static_cast<Exit>(1);  // a question's "no", as test(1) and grep(1) say it

Result<std::vector<std::string>> ids_of(const Session& session) {
  const auto& words = session.args.words();
  if (words.size() != 2 || words[1] != "-") return std::vector<std::string>(words.begin() + 1, words.end());
  auto text = read_all(STDIN_FILENO, list_limit);
  if (!text) return text.error().during("standard input");
  std::vector<std::string> ids;
  for (const std::string_view line : split(*text, '\n'))
    if (!line.empty()) ids.emplace_back(line);
  return ids;
}

}  // namespace

Result<Exit> cmd_item(const Session& session) {
  const std::string& what = session.args.words().front();
  if (session.args.words().size() < 2 || (what != "done" && what != "is-done"))
    return Error(Fault::usage, "item takes `done ID...` or `is-done ID`",
                 "`item done -` reads ids from standard input, one on a line");
  auto ids = ids_of(session);
  if (!ids) return ids.error();
  if (what == "is-done" && ids->size() != 1)
    return Error(Fault::usage, "item is-done takes one ID", "ask for one after the other");
  std::vector<ChannelRequest> requests;
  for (const auto& id : *ids) {
    if (id.empty() || id.size() > 255 || !is_plain_text(id))
      return Error(Fault::usage, "item: \"" + printable(clip(id, 64)) +
                                     "\" is not 1 to 255 bytes of UTF-8 without control characters");
    ChannelRequest request;
    request.op = what == "done" ? ChannelOp::item_done : ChannelOp::item_is_done;
    request.item = id;
    requests.push_back(std::move(request));
  }
  auto channel = channel_of(session);
  if (!channel) return channel.error();
  auto replies = channel->ask_all(std::move(requests));
  if (!replies) return replies.error().during("item");
  return what == "done" || replies->front().at("done").as_bool() ? Exit::done : not_done;
}

}  // namespace jobrun
