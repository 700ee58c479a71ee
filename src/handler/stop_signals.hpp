// The signals that ask jobrun to stop: SIGTERM, SIGINT and SIGHUP.
// Promises that from hold_stop_signals() on none of them ends the process in the middle of something: they
// wait until the loop takes them, or until one who waits for input sees that there is one. Ends nothing by
// itself.
#pragma once

#include "base/file.hpp"
#include "base/result.hpp"

namespace jobrun {

/// Blocked from here on and read from stop_descriptor(): a call that has begun ends in order.
void hold_stop_signals();
/// Readable while a held signal waits (signalfd(2)); reading takes it.
Result<Fd> stop_descriptor();
/// For one who waits while nothing of a run is under way; the signal is left where it is.
Error asked_to_stop();
/// The held signal, taken; 0 where there is none.
int take_stop_signal();

/// A shell loop around us must end too (signal(7), "cooperative exit"): dies of the SIGINT that a person
/// typed. Comes back where it was another signal, or none from a terminal.
void die_of_interrupt(int signal);

}  // namespace jobrun
