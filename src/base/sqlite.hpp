// SQLite behind one door: a connection, prepared statements with named parameters, errors as Result.
// Promises no foreign type in this header and no statement built from values. Knows no ledger (ledger/db.hpp)
// and sets nothing but what its caller asks for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace jobrun {

class Database;

/// A prepared statement, bound and stepped. Lives no longer than its database.
class Statement {
 public:
  struct Compiled;  // SQLite's side of it
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  Statement(const Statement&) = delete;
  ~Statement();

  Statement& bind(const char* name, std::int64_t value);
  Statement& bind(const char* name, int value) { return bind(name, static_cast<std::int64_t>(value)); }
  Statement& bind(const char* name, double value);
  Statement& bind(const char* name, std::string_view text);
  Statement& bind(const char* name, const char* text) { return bind(name, std::string_view(text)); }
  Statement& bind(const char* name, const std::string& text) { return bind(name, std::string_view(text)); }
  Statement& bind(const char* name, const std::optional<std::string>& text);
  Statement& bind(const char* name, const std::optional<std::int64_t>& value);
  Statement& bind_null(const char* name);

  /// True while there is a row to read.
  Result<bool> step();
  /// Runs to the end and makes the statement ready for other values.
  Result<void> run();

  std::int64_t integer(int column) const;
  double number(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;
  std::optional<std::string> optional_text(int column) const;
  std::optional<std::int64_t> optional_integer(int column) const;
  int columns() const;
  std::string column_name(int column) const;

 private:
  friend class Database;
  explicit Statement(Compiled* compiled) : compiled_(compiled) {}
  Compiled* compiled_;
};

class Database {
 public:
  struct Connection;  // SQLite's side of it
  enum class Mode { read_only, read_write, create };

  Database(Database&& other) noexcept;
  Database& operator=(Database&& other) noexcept;
  Database(const Database&) = delete;

  /// `what` names the database in messages ("ledger /var/lib/jobrun/ledger.db").
  static Result<Database> open(const std::string& path, Mode mode, std::string what);

  ~Database();

  /// Several statements without parameters or rows.
  Result<void> execute(const char* sql);
  /// `sql` must outlive the database (a literal): prepared once, and given back when the Statement goes.
  Result<Statement> prepare(const char* sql);
  Result<std::int64_t> integer(const char* sql);
  Result<std::string> text(const char* sql);
  /// All of it, as it stands at one moment, into an empty database (sqlite3_backup_init).
  Result<void> copy_to(Database& other);
  /// DEFENSIVE on, DQS off, TRUSTED_SCHEMA off, no checkpoint on close (sqlite3_db_config).
  void harden(bool checkpoint_on_close);
  void set_busy_timeout(int milliseconds);
  /// SQLite fsyncs a write-ahead log's folder at the first commit of every process, whether the log is new or
  /// not. Where the caller sees to a new log's name itself, this leaves that fsync out, for all databases of
  /// this process.
  static void leave_folder_sync_to_caller();
  std::int64_t last_insert_id() const;
  /// Rows changed by the last statement.
  std::int64_t changes() const;

  /// The error of the last call: Fault::ledger for what may pass (locked, disk full, I/O), Fault::setup for
  /// what needs a person (damaged, not a database, read-only file).
  Error last_error(std::string_view doing) const;
  /// True where the path names another file by now, or none (SQLITE_FCNTL_HAS_MOVED).
  bool has_moved() const;
  /// True if the last error was a full disk (SQLITE_FULL).
  bool disk_full() const;

 private:
  explicit Database(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace jobrun
