public import CanonicalJSON

/// One difference between two key documents: why an action is another one.
public struct FieldChange: Hashable, Sendable {
  /// Where, from the document down, such as `["parameters", "lambda"]` or `["inputs", "scores", "iq@seed=2"]`.
  public var path: [String]
  /// The value before; nil where there was none.
  public var old: JSONValue?
  /// The value now; nil where there is none.
  public var new: JSONValue?

  /// A change.
  public init(path: [String], old: JSONValue?, new: JSONValue?) {
    self.path = path
    self.old = old
    self.new = new
  }

  /// The path in one word, parts joined by full stops.
  public var field: String { path.joined(separator: ".") }
}

extension KeyDocument {
  /// What differs from an older document, field by field, parameters first since they are what people change.
  ///
  /// Objects are compared member by member and the lists of many-ports label by label; a list whose labels are the
  /// same in another order is one change of the field `order`.
  public func changes(since old: KeyDocument) -> [FieldChange] {
    let (before, after) = (old.json, json)
    let order = ["stage", "revision", "parameters", "inputs", "numerics", "program", "development"]
    return order.flatMap { fieldChanges(from: before[$0], to: after[$0], at: [$0]) }
  }
}

private func fieldChanges(from old: JSONValue?, to new: JSONValue?, at path: [String]) -> [FieldChange] {
  if old == new { return [] }
  switch (old, new) {
  case (.object(let old)?, .object(let new)?):
    // Members are named by their bytes, as JSONObject compares them.
    let names = old.names + new.names.filter { old[$0] == nil }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.flatMap {
      fieldChanges(from: old[$0], to: new[$0], at: path + [$0])
    }
  case (.array(let old)?, .array(let new)?):
    if let old = labelled(old), let new = labelled(new) { return listChanges(from: old, to: new, at: path) }
  default: break
  }
  return [FieldChange(path: path, old: old, new: new)]
}

/// The elements by label, where every element has one and no two the same.
private func labelled(_ elements: [JSONValue]) -> [(label: String, value: JSONValue)]? {
  let pairs = elements.compactMap { element in element["label"]?.string.map { (label: $0, value: element) } }
  return pairs.count == elements.count && Set(pairs.map(\.label)).count == pairs.count ? pairs : nil
}

private func listChanges(
  from old: [(label: String, value: JSONValue)], to new: [(label: String, value: JSONValue)], at path: [String]
) -> [FieldChange] {
  let before = Dictionary(uniqueKeysWithValues: old.map { ($0.label, $0.value) })
  let after = Dictionary(uniqueKeysWithValues: new.map { ($0.label, $0.value) })
  let labels = new.map(\.label) + old.map(\.label).filter { after[$0] == nil }
  var result = labels.flatMap { label in
    if let one = before[label], let other = after[label] {
      return fieldChanges(from: one, to: other, at: path + [label])
    }
    return [FieldChange(path: path + [label], old: before[label]?["digest"], new: after[label]?["digest"])]
  }
  let oldOrder = old.map(\.label).filter { after[$0] != nil }
  let newOrder = new.map(\.label).filter { before[$0] != nil }
  if oldOrder != newOrder {
    result.append(
      FieldChange(
        path: path + ["order"], old: .array(oldOrder.map { .string($0) }), new: .array(newOrder.map { .string($0) })))
  }
  return result
}
