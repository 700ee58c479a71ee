#include "base/sqlite.hpp"

#include <sqlite3.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <deque>

namespace jobrun {

struct Statement::Compiled {
  const Database::Connection* connection = nullptr;
  sqlite3_stmt* handle = nullptr;
  const char* sql = nullptr;
  bool in_use = false;
};

struct Database::Connection {
  sqlite3* handle = nullptr;
  std::string what;
  std::deque<Statement::Compiled> statements;  // by the address of the literal; stable addresses

  ~Connection() {
    for (auto& statement : statements) sqlite3_finalize(statement.handle);
    sqlite3_close(handle);
  }
};

// A damaged file needs a person; a full disk or a lock passes.
Error error_of(const Database::Connection& connection, std::string_view doing) {
  sqlite3* handle = connection.handle;
  const int extended = sqlite3_extended_errcode(handle);
  std::string text = connection.what + ": ";
  if (!doing.empty()) text.append(doing).append(": ");
  switch (extended & 0xff) {
    case SQLITE_FULL:
      return Error(Fault::ledger, text + "the disk is full",
                   "free some space and call again; nothing is lost");
    case SQLITE_IOERR:
      return Error(Fault::ledger,
                   text + sqlite3_errmsg(handle) + " (SQLite code " + std::to_string(extended) + ")",
                   "check the disk and call again");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error(Fault::ledger, text + "locked by another process", "call again later");
    case SQLITE_READONLY:
      return Error(Fault::ledger, text + "the file or its file system is read-only",
                   "make it writable and call again");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error(Fault::setup, text + "the file is damaged (" + sqlite3_errmsg(handle) + ")",
                   "restore the last backup: `jobrun ledger restore FILE` keeps this file");
    case SQLITE_CANTOPEN:
      return Error(Fault::setup, text + "the file can't be opened", "check the path, its owner and mode");
    case SQLITE_NOMEM:
      return Error(Fault::ledger, text + "out of memory", "call again");
    default:
      return Error(Fault::internal,
                   text + sqlite3_errmsg(handle) + " (SQLite code " + std::to_string(extended) + ")",
                   "please report this");
  }
}

Statement::Statement(Statement&& other) noexcept : compiled_(std::exchange(other.compiled_, nullptr)) {}

Statement::~Statement() {
  if (compiled_ == nullptr) return;
  sqlite3_reset(compiled_->handle);
  sqlite3_clear_bindings(compiled_->handle);
  compiled_->in_use = false;
}

namespace {

int index_of(sqlite3_stmt* statement, const char* name) {
  const int index = sqlite3_bind_parameter_index(statement, name);
  if (index == 0) std::abort();  // a broken invariant: the statement has no such parameter
  return index;
}

}  // namespace

Statement& Statement::bind(const char* name, std::int64_t value) {
  sqlite3_bind_int64(compiled_->handle, index_of(compiled_->handle, name), value);
  return *this;
}

Statement& Statement::bind(const char* name, double value) {
  sqlite3_bind_double(compiled_->handle, index_of(compiled_->handle, name), value);
  return *this;
}

Statement& Statement::bind(const char* name, std::string_view text) {
  sqlite3_bind_text64(compiled_->handle, index_of(compiled_->handle, name), text.data() ? text.data() : "",
                      text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(const char* name, const std::optional<std::string>& text) {
  return text ? bind(name, std::string_view(*text)) : bind_null(name);
}

Statement& Statement::bind(const char* name, const std::optional<std::int64_t>& value) {
  return value ? bind(name, *value) : bind_null(name);
}

Statement& Statement::bind_null(const char* name) {
  sqlite3_bind_null(compiled_->handle, index_of(compiled_->handle, name));
  return *this;
}

Result<bool> Statement::step() {
  switch (sqlite3_step(compiled_->handle)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default: {
      Error error = error_of(*compiled_->connection, "");
      sqlite3_reset(compiled_->handle);
      return error;
    }
  }
}

Result<void> Statement::run() {
  while (true) {
    auto row = step();
    if (!row) return row.error();
    if (!*row) break;
  }
  sqlite3_reset(compiled_->handle);
  return {};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(compiled_->handle, column);
}
double Statement::number(int column) const {
  return sqlite3_column_double(compiled_->handle, column);
}

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(compiled_->handle, column));
  if (bytes == nullptr) return {};
  return std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(compiled_->handle, column)));
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(compiled_->handle, column) == SQLITE_NULL;
}

std::optional<std::string> Statement::optional_text(int column) const {
  if (is_null(column)) return std::nullopt;
  return text(column);
}

std::optional<std::int64_t> Statement::optional_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

int Statement::columns() const {
  return sqlite3_column_count(compiled_->handle);
}

std::string Statement::column_name(int column) const {
  const char* name = sqlite3_column_name(compiled_->handle, column);
  return name != nullptr ? name : "";
}

namespace {

/// SQLite's memory: lists of free pieces by size, cut from blocks that are mapped ready for use and kept.
/// Reading a schema takes some thousand small pieces; malloc(3) would be a fifth of the instructions of a
/// call for a finished run, and the faults on its fresh pages another part. One thread only.
namespace pool {

constexpr std::size_t step = 16, largest = 8192, block_bytes = 64 * 1024;
struct Piece {
  std::size_t size;  // of the whole piece; what SQLite gets begins behind it
  Piece* next_free;
};
Piece* free_pieces[largest / step + 1];
char *block, *block_end;

Piece* piece_of(void* memory) {
  return reinterpret_cast<Piece*>(static_cast<char*>(memory) - sizeof(std::size_t));
}

void* take(int bytes) {
  const std::size_t size = (static_cast<std::size_t>(bytes) + sizeof(std::size_t) + step - 1) & ~(step - 1);
  Piece* piece = nullptr;
  if (size > largest) {
    piece = static_cast<Piece*>(std::malloc(size));
  } else if (Piece*& first = free_pieces[size / step]; first != nullptr) {
    piece = std::exchange(first, first->next_free);
  } else {
    if (static_cast<std::size_t>(block_end - block) < size) {
      void* fresh = ::mmap(nullptr, block_bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
      if (fresh == MAP_FAILED) return nullptr;
      block = static_cast<char*>(fresh);
      block_end = block + block_bytes;
    }
    piece = reinterpret_cast<Piece*>(std::exchange(block, block + size));
  }
  if (piece == nullptr) return nullptr;
  piece->size = size;
  return &piece->next_free;
}

void give(void* memory) {
  Piece* piece = piece_of(memory);
  if (piece->size > largest) return std::free(piece);
  piece->next_free = std::exchange(free_pieces[piece->size / step], piece);
}

int size(void* memory) {
  return memory != nullptr ? static_cast<int>(piece_of(memory)->size - sizeof(std::size_t)) : 0;
}

void* grow(void* memory, int bytes) {
  if (size(memory) >= bytes) return memory;
  void* larger = take(bytes);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, memory, static_cast<std::size_t>(size(memory)));
  give(memory);
  return larger;
}

int rounded(int bytes) {
  return (bytes + 7) & ~7;
}
int begin(void*) {
  return SQLITE_OK;
}
void end(void*) {}

[[maybe_unused]] constexpr sqlite3_mem_methods methods = {take,    give,  grow, size,
                                                          rounded, begin, end,  nullptr};

}  // namespace pool

/// Before the first use of the library: one thread, so no mutexes; memory statistics cost a lock per
/// allocation; pages are allocated as they are read, not twenty ahead.
void configure() {
  static const bool configured = [] {
    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_PAGECACHE, nullptr, 0, 0);
#ifndef JOBRUN_PLAIN_MALLOC  // a sanitizer's build: it is to see every piece
    sqlite3_config(SQLITE_CONFIG_MALLOC, &pool::methods);
#endif
    return true;
  }();
  (void)configured;
}

}  // namespace

Database::Database(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Database::Database(Database&& other) noexcept = default;
Database& Database::operator=(Database&& other) noexcept = default;
Database::~Database() = default;

namespace {

/// On a read-only file system nobody can write, so no shared memory is needed to read; SQLite would not begin
/// without (wal.html, "Read-Only Databases"). Not where a log stands beside it, whose rows would be missed.
bool can_not_change(const std::string& path) {
  return ::access(path.c_str(), W_OK) != 0 && errno == EROFS && ::access((path + "-wal").c_str(), F_OK) != 0;
}

/// uri.html, with the path's own characters spelled so that none has a meaning.
std::string immutable_uri(const std::string& path) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string uri = "file:";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '/') {
      uri += c;
    } else {
      uri.append({'%', digits[byte >> 4], digits[byte & 15]});
    }
  }
  return uri + "?immutable=1";
}

}  // namespace

Result<Database> Database::open(const std::string& path, Mode mode, std::string what) {
  configure();
  auto connection = std::make_unique<Connection>();
  connection->what = std::move(what);
  const int flags = SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE |
                    (mode == Mode::read_only    ? SQLITE_OPEN_READONLY
                     : mode == Mode::read_write ? SQLITE_OPEN_READWRITE
                                                : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  const bool fixed = mode == Mode::read_only && can_not_change(path);
  const int code = sqlite3_open_v2(fixed ? immutable_uri(path).c_str() : path.c_str(), &connection->handle,
                                   fixed ? flags | SQLITE_OPEN_URI : flags, nullptr);
  Database database(std::move(connection));
  if (code != SQLITE_OK) return database.last_error("open");
  return database;
}

Result<void> Database::execute(const char* sql) {
  if (sqlite3_exec(connection_->handle, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return last_error("");
  return {};
}

Result<void> Database::copy_to(Database& other) {
  sqlite3_backup* backup =
      sqlite3_backup_init(other.connection_->handle, "main", connection_->handle, "main");
  if (backup == nullptr) return other.last_error("copy");
  const bool whole = sqlite3_backup_step(backup, -1) == SQLITE_DONE;  // finish() forgets a BUSY
  if (sqlite3_backup_finish(backup) != SQLITE_OK) return other.last_error("copy");
  return whole ? Result<void>() : Error(Fault::ledger, "copy: it is being written", "call again later");
}

Result<Statement> Database::prepare(const char* sql) {
  for (auto& compiled : connection_->statements) {
    if (compiled.sql == sql && !compiled.in_use) {
      compiled.in_use = true;
      return Statement(&compiled);
    }
  }
  Statement::Compiled compiled;
  compiled.connection = connection_.get();
  compiled.sql = sql;
  if (sqlite3_prepare_v3(connection_->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &compiled.handle,
                         nullptr) != SQLITE_OK)
    return last_error("");
  compiled.in_use = true;
  connection_->statements.push_back(compiled);
  return Statement(&connection_->statements.back());
}

Result<std::int64_t> Database::integer(const char* sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  auto row = statement->step();
  if (!row) return row.error();
  return *row ? statement->integer(0) : 0;
}

Result<std::string> Database::text(const char* sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  auto row = statement->step();
  if (!row) return row.error();
  return *row ? statement->text(0) : std::string();
}

void Database::harden(bool checkpoint_on_close) {
  sqlite3* handle = connection_->handle;
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, checkpoint_on_close ? 0 : 1, nullptr);
}

void Database::set_busy_timeout(int milliseconds) {
  sqlite3_busy_timeout(connection_->handle, milliseconds);
}
void Database::leave_folder_sync_to_caller() {
  configure();
  sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
  // unixSync() takes SQLITE_CANTOPEN for "this file system has no folders to sync" (os_unix.c,
  // "openDirectory").
  int (*no_folder)(const char*, int*) = [](const char*, int*) { return SQLITE_CANTOPEN; };
  vfs->xSetSystemCall(vfs, "openDirectory", reinterpret_cast<sqlite3_syscall_ptr>(no_folder));
}

std::int64_t Database::last_insert_id() const {
  return sqlite3_last_insert_rowid(connection_->handle);
}
std::int64_t Database::changes() const {
  return sqlite3_changes64(connection_->handle);
}
bool Database::has_moved() const {
  int moved = 0;
  return sqlite3_file_control(connection_->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
         moved != 0;
}
bool Database::disk_full() const {
  return (sqlite3_errcode(connection_->handle) & 0xff) == SQLITE_FULL;
}

Error Database::last_error(std::string_view doing) const {
  return error_of(*connection_, doing);
}

}  // namespace jobrun
