// Result<T>: a value, or the Error that says why jobrun could not produce one.
// Promises that neither can be dropped without the compiler saying so, and that an Error carries
// the way it came ("run backup: claim: ...") and the next step for a person.
// Does not carry a job's failure: that is a Verdict (contract/verdict.hpp).
#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace jobrun {

/// Who has to act on an Error; contract/exit_codes.hpp gives each its exit code.
enum class Fault {
  usage,     ///< the call is wrong; nothing was recorded
  setup,     ///< the installation needs a person
  ledger,    ///< the ledger can't be read or written now; calling again is safe
  conflict,  ///< same key, other input
  busy,      ///< another process runs it now
  gone,      ///< the jobrun that this process works for has ended
  internal,  ///< a bug in jobrun
};

class [[nodiscard]] Error {
 public:
  Error(Fault fault, std::string what, std::string next_step = {})
      : fault_(fault), what_(std::move(what)), next_step_(std::move(next_step)) {}

  Fault fault() const { return fault_; }
  /// What was being done and what went wrong, outermost first, without a final full stop.
  const std::string& what() const { return what_; }
  /// What a person can do about it; empty where there is nothing to say.
  const std::string& next_step() const { return next_step_; }

  /// The same error, seen from one level further out.
  Error during(std::string_view doing) const {
    return Error(fault_, std::string(doing) + ": " + what_, next_step_);
  }

 private:
  Fault fault_;
  std::string what_;
  std::string next_step_;
};

/// Most often the call is wrong.
inline Error usage_error(std::string what, std::string next_step = {}) {
  return Error(Fault::usage, std::move(what), std::move(next_step));
}

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() & { return *value(); }
  const T& operator*() const& { return *const_cast<Result*>(this)->value(); }
  T&& operator*() && { return std::move(*value()); }
  T* operator->() { return value(); }
  const T* operator->() const { return const_cast<Result*>(this)->value(); }

  const Error& error() const {
    if (*this) std::abort();  // a broken invariant: asked a success why it failed
    return *std::get_if<1>(&state_);
  }

 private:
  T* value() {
    T* held = std::get_if<0>(&state_);
    if (held == nullptr) std::abort();  // a broken invariant: the caller did not look
    return held;
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  explicit operator bool() const { return !error_.has_value(); }
  const Error& error() const {
    if (!error_) std::abort();  // a broken invariant: asked a success why it failed
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace jobrun
