// jobrun item done|is-done ID: completed records, for work that has no order.
#include <unistd.h>

#include <cerrno>

#include "base/text.hpp"
#include "cli/inside.hpp"
#include "contract/envelope.hpp"

namespace jobrun {

namespace {

constexpr std::size_t at_once = 1000;            // ids that are held in memory and committed together
constexpr Exit not_done = static_cast<Exit>(1);  // a question's "no", as test(1) and grep(1) say it

Result<ChannelRequest> request_for(ChannelOp op, std::string_view id) {
  if (id.empty() || id.size() > 255 || !is_plain_text(id))
    return usage_error("item: " + in_quotes(id) +
                       " is not 1 to 255 bytes of UTF-8 without control characters");
  ChannelRequest request;
  request.op = op;
  request.item = id;
  return request;
}

/// Hands ids on in groups, so that a list of any length needs little memory.
class Items {
 public:
  explicit Items(ChannelClient& channel) : channel_(channel) {}

  Result<void> add(std::string_view id) {
    auto request = request_for(ChannelOp::item_done, id);
    if (!request) return request.error();
    waiting_.push_back(std::move(*request));
    return waiting_.size() < at_once ? Result<void>() : flush();
  }
  Result<void> flush() {
    auto replies = channel_.ask_all(std::exchange(waiting_, {}));
    if (!replies) return replies.error().during("item");
    return {};
  }

 private:
  ChannelClient& channel_;
  std::vector<ChannelRequest> waiting_;
};

/// One id on each line; empty lines are passed over, and the last one needs no newline.
Result<void> add_from_standard_input(Items& items) {
  std::string text;
  char buffer[64 * 1024];
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(Fault::usage, "standard input", errno);
    if (got == 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
      if (end > begin)
        if (auto added = items.add(std::string_view(text).substr(begin, end - begin)); !added) return added;
      begin = end + 1;
    }
    text.erase(0, begin);
  }
  return text.empty() ? Result<void>() : items.add(text);
}

Result<Exit> ask(const Session& session, const std::string& id) {
  auto request = request_for(ChannelOp::item_is_done, id);
  if (!request) return request.error();
  auto reply = ask_jobrun(session, *request);
  if (!reply) return reply.error().during("item");
  return reply->at("done").as_bool() ? Exit::done : not_done;
}

}  // namespace

Result<Exit> cmd_item(const Session& session) {
  const auto& words = session.args.words();
  if (words.size() < 2 || (words[0] != "done" && words[0] != "is-done"))
    return usage_error("item takes `done ID...` or `is-done ID`",
                       "`item done -` reads ids from standard input, one on a line");
  if (words[0] == "is-done" && words.size() != 2)
    return usage_error("item is-done takes one ID", "ask for one after the other");
  if (words[0] == "is-done") return ask(session, words[1]);
  auto channel = channel_of(session);
  if (!channel) return channel.error();
  Items items(*channel);
  if (words.size() == 2 && words[1] == "-") {
    if (auto read = add_from_standard_input(items); !read) return read.error();
  } else {
    for (std::size_t i = 1; i < words.size(); ++i)
      if (auto added = items.add(words[i]); !added) return added.error();
  }
  if (auto last = items.flush(); !last) return last.error();
  return Exit::done;
}

}  // namespace jobrun
