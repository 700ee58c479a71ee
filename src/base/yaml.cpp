#include "base/yaml.hpp"

#include <yaml.h>

#include <memory>

#include "base/format.hpp"
#include "base/text.hpp"

namespace jobrun {

namespace {

constexpr int deepest = 60;
constexpr std::size_t most_nodes = 200'000;

struct Parser {
  yaml_parser_t parser{};
  Parser() { yaml_parser_initialize(&parser); }
  ~Parser() { yaml_parser_delete(&parser); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
};

struct Document {
  yaml_document_t document{};
  Document() = default;
  ~Document() { yaml_document_delete(&document); }
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;
};

class Reader {
 public:
  explicit Reader(yaml_document_t& document) : document_(document) {}

  YamlNode read() {
    const yaml_node_t* root = yaml_document_get_root_node(&document_);
    return root == nullptr ? YamlNode{} : node(*root, 0);
  }
  bool too_much() const { return too_much_; }
  std::size_t count() const { return count_; }

 private:
  YamlNode by_number(int number, int depth) {
    const yaml_node_t* found = yaml_document_get_node(&document_, number);
    return found == nullptr ? YamlNode{} : node(*found, depth);
  }

  YamlNode node(const yaml_node_t& raw, int depth) {
    YamlNode made;
    if (too_much_ || depth > deepest || ++count_ > most_nodes) {
      too_much_ = true;
      return made;
    }
    made.line = static_cast<int>(raw.start_mark.line) + 1;
    switch (raw.type) {
      case YAML_NO_NODE:
        break;
      case YAML_SCALAR_NODE:
        made.kind = YamlNode::Kind::scalar;
        made.text.assign(reinterpret_cast<const char*>(raw.data.scalar.value), raw.data.scalar.length);
        break;
      case YAML_SEQUENCE_NODE:
        made.kind = YamlNode::Kind::list;
        for (const int* item = raw.data.sequence.items.start; item != raw.data.sequence.items.top; ++item)
          made.items.push_back(by_number(*item, depth + 1));
        break;
      case YAML_MAPPING_NODE:
        made.kind = YamlNode::Kind::map;
        read_members(raw, depth, made);
        break;
    }
    return made;
  }

  void read_members(const yaml_node_t& raw, int depth, YamlNode& made) {
    std::vector<YamlNode> merged;
    for (const auto* pair = raw.data.mapping.pairs.start; pair != raw.data.mapping.pairs.top; ++pair) {
      YamlNode key = by_number(pair->key, depth + 1), value = by_number(pair->value, depth + 1);
      if (key.text == "<<")
        merged.push_back(std::move(value));
      else
        add(std::move(key.text), std::move(value), made);
    }
    for (auto& source : merged) {
      if (!source.is_list()) {
        merge(source, made);
        continue;
      }
      for (auto& item : source.items)
        if (item.is_map()) merge(item, made);
    }
  }

  static void add(std::string key, YamlNode value, YamlNode& made) {
    made.keys.push_back(std::move(key));
    made.items.push_back(std::move(value));
  }
  static void merge(YamlNode& source, YamlNode& made) {
    for (std::size_t i = 0; i < source.keys.size(); ++i)
      add(std::move(source.keys[i]), std::move(source.items[i]), made);
  }

  yaml_document_t& document_;
  std::size_t count_ = 0;
  bool too_much_ = false;
};

}  // namespace

const YamlNode& YamlNode::at(std::string_view name) const {
  static const YamlNode none;
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (keys[i] == name) return items[i];
  return none;
}

Result<std::vector<YamlNode>> parse_yaml(std::string_view text) {
  std::vector<YamlNode> documents;
  Parser holder;
  yaml_parser_t& parser = holder.parser;
  yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  std::size_t count = 0;
  while (true) {
    Document held;
    if (yaml_parser_load(&parser, &held.document) == 0)
      return usage_error(fmt::format("line {}: {}", parser.problem_mark.line + 1,
                                     printable(parser.problem == nullptr ? "is not YAML" : parser.problem)));
    if (yaml_document_get_root_node(&held.document) == nullptr) return documents;
    Reader reader(held.document);
    documents.push_back(reader.read());
    count += reader.count();
    if (reader.too_much() || count > most_nodes)
      return usage_error(fmt::format("more than {} nodes, or deeper than {}", most_nodes, deepest));
  }
}

}  // namespace jobrun
