"""Holds a JSON value against a JSON Schema (draft 2020-12) more strictly than the draft does: a member that the schema does not name is a
fault. Knows the keywords that examples/answers.schema.json uses, and refuses a schema with others, so that none is passed over."""
import re

KNOWN = {"description", "$ref", "type", "enum", "const", "required", "properties", "additionalProperties", "items", "anyOf", "minimum", "pattern"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float), "null": type(None)}


def resolved(schema, root):
    """Follows $ref."""
    while "$ref" in schema:
        kind, _, name = schema["$ref"].rpartition("/")
        assert kind == "#/$defs", schema["$ref"]
        schema = root["$defs"][name]
    return schema


def is_of(value, name):
    return isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name in ("integer", "number"))


def same(one, other):
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def object_faults(value, schema, root, path):
    members = schema.get("properties", {})
    found = [f"{path}: {name} is missing" for name in schema.get("required", []) if name not in value]
    for name, member in value.items():
        its = members.get(name, schema.get("additionalProperties"))
        found += [f"{path}: {name} is not in the schema"] if its is None else faults(member, its, root, f"{path}.{name}")
    return found


def faults(value, schema, root, path="$"):
    """What is wrong with `value`, a line each; empty: nothing."""
    schema = resolved(schema, root)
    assert set(schema) <= KNOWN, set(schema) - KNOWN
    if "anyOf" in schema:
        tries = [faults(value, one, root, path) for one in schema["anyOf"]]
        return min(tries, key=len)
    kinds = schema.get("type", [])
    if kinds and not any(is_of(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        return [f"{path}: {value!r} is not {kinds}"]
    if "enum" in schema and not any(same(value, one) for one in schema["enum"]):
        return [f"{path}: {value!r} is none of {schema['enum']}"]
    if "const" in schema and not same(value, schema["const"]):
        return [f"{path}: {value!r} is not {schema['const']!r}"]
    if "minimum" in schema and is_of(value, "number") and value < schema["minimum"]:
        return [f"{path}: {value} is less than {schema['minimum']}"]
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        return [f"{path}: {value!r} does not match {schema['pattern']}"]
    if isinstance(value, dict):
        return object_faults(value, schema, root, path)
    if isinstance(value, list) and "items" in schema:
        return [fault for number, one in enumerate(value) for fault in faults(one, schema["items"], root, f"{path}[{number}]")]
    return []


def objects_in(schema, path):
    """(path, schema) of each object with members, at any depth."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield path, schema
        for name, inner in schema.items():
            yield from objects_in(inner, f"{path}.{name}")
    elif isinstance(schema, list):
        for number, inner in enumerate(schema):
            yield from objects_in(inner, f"{path}[{number}]")


def kinds_of(schema, root):
    """The names of the types that a value may have, null left out."""
    schema = resolved(schema, root)
    if "anyOf" in schema:
        kinds = set().union(*(kinds_of(one, root) for one in schema["anyOf"]))
    elif "type" in schema:
        kinds = {schema["type"]} if isinstance(schema["type"], str) else set(schema["type"])
    else:
        values = schema.get("enum", [schema.get("const")])
        kinds = {kind for kind in TYPES for value in values if is_of(value, kind)} - {"number"}
    if "array" in kinds:
        kinds = kinds - {"array"} | {f"array of {' or '.join(sorted(kinds_of(schema['items'], root)))}" for schema in [array_in(schema, root)]}
    return kinds - {"null"}


def array_in(schema, root):
    schema = resolved(schema, root)
    if "items" in schema:
        return schema
    return next(array_in(one, root) for one in schema["anyOf"] if "array" in str(kinds_of_plain(one, root)))


def kinds_of_plain(schema, root):
    return resolved(schema, root).get("type", "")
