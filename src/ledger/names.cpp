#include "ledger/names.hpp"

#include "ledger/rows.hpp"

namespace jobrun {

namespace {

/// The first text behind all that begin with `prefix`: no UTF-8 has the byte 0xff.
std::string behind(std::string_view prefix) {
  return std::string(prefix) + '\xff';
}

}  // namespace

Result<std::vector<std::string>> run_ids_beginning(Ledger& ledger, std::string_view prefix) {
  auto query = prefix.empty()
                   ? ledger.database().prepare("SELECT run_id FROM runs ORDER BY id DESC LIMIT :most")
                   : ledger.database().prepare(
                         "SELECT run_id FROM runs WHERE run_id >= :prefix AND run_id < :behind LIMIT :most");
  if (!query) return query.error();
  if (!prefix.empty()) query->bind(":prefix", prefix).bind(":behind", behind(prefix));
  query->bind(":most", most_names);
  return all_rows(query, only_text);
}

Result<std::vector<std::string>> run_dates_beginning(Ledger& ledger, std::string_view job,
                                                     std::string_view prefix) {
  auto query = ledger.database().prepare(
      "SELECT run_date FROM runs WHERE job = :job AND run_date >= :prefix AND run_date < :behind"
      " ORDER BY run_date DESC LIMIT :most");
  if (!query) return query.error();
  query->bind(":job", job).bind(":prefix", prefix).bind(":behind", behind(prefix)).bind(":most", most_names);
  return all_rows(query, only_text);
}

Result<std::vector<std::string>> units_beginning(Ledger& ledger, std::string_view job,
                                                 std::string_view prefix) {
  auto query = ledger.database().prepare(
      "SELECT unit FROM units WHERE run = (SELECT id FROM runs WHERE job = :job"
      "   ORDER BY run_date DESC, generation DESC LIMIT 1) AND unit >= :prefix AND unit < :behind LIMIT "
      ":most");
  if (!query) return query.error();
  query->bind(":job", job).bind(":prefix", prefix).bind(":behind", behind(prefix)).bind(":most", most_names);
  return all_rows(query, only_text);
}

Result<std::vector<std::string>> open_keys_beginning(Ledger& ledger, std::string_view scope,
                                                     std::string_view prefix) {
  auto query = ledger.database().prepare(
      "SELECT key FROM effects WHERE state <> 'confirmed' AND (:scope = '' OR scope = :scope)"
      " AND key >= :prefix AND key < :behind ORDER BY key LIMIT :most");
  if (!query) return query.error();
  query->bind(":scope", scope)
      .bind(":prefix", prefix)
      .bind(":behind", behind(prefix))
      .bind(":most", most_names);
  return all_rows(query, only_text);
}

}  // namespace jobrun
