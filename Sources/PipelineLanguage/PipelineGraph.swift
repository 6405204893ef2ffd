package import CanonicalJSON
import StageKit
import SystemPackage

/// The graph of a pipeline as text, Mermaid, Graphviz and JSON.
package struct PipelineGraph {
  /// A stage, or one of its cells.
  struct Node {
    var id: String
    var stage: String
    var uses: String
    var cells: Int
    /// Axis to its values in order of appearance.
    var axes: [(name: String, values: [String])]
    var inputs: [(port: String, sources: [Source])]
  }

  /// What an input port receives: an output of a node as often as there are cells, or a path.
  struct Source: Equatable {
    var node: String?
    /// `mle.model`, or the path as written.
    var name: String
    var count: Int
  }

  private let pipeline: CheckedPipeline
  let nodes: [Node]

  /// The graph of a pipeline.
  ///
  /// - Parameters:
  ///   - pipeline: The pipeline.
  ///   - cells: Whether each cell of a grid is a node; if not, a gridded stage is one.
  package init(_ pipeline: CheckedPipeline, cells: Bool = false) {
    self.pipeline = pipeline
    var groups: [[PlannedAction]] = []
    for action in pipeline.actions {
      // The cells of a stage follow each other.
      if !cells, groups.last?.first?.stage == action.stage {
        groups[groups.count - 1].append(action)
      } else {
        groups.append([action])
      }
    }
    nodes = groups.map { Self.node($0, pipeline: pipeline, cells: cells) }
  }

  private static func node(_ actions: [PlannedAction], pipeline: CheckedPipeline, cells: Bool) -> Node {
    let first = actions[0]
    let uses =
      switch first.implementation {
      case .builtin: first.declaration.name
      case .command(let stage): "./" + (stage.folder.lastComponent?.string ?? first.declaration.name)
      }
    let inputs = first.declaration.inputs.compactMap { port -> (port: String, sources: [Source])? in
      let all = actions.flatMap { action in action.inputs.first { $0.port.name == port.name }?.sources ?? [] }
      guard !all.isEmpty else { return nil }
      var sources: [Source] = []
      var seen: [String: (place: Int, actions: Set<Int>)] = [:]
      for source in all {
        let (name, node, action) = Self.name(of: source, pipeline: pipeline, cells: cells)
        if let known = seen[name] {
          guard let action, !known.actions.contains(action) else { continue }
          seen[name]?.actions.insert(action)
          sources[known.place].count += 1
        } else {
          seen[name] = (sources.count, action.map { [$0] } ?? [])
          sources.append(Source(node: node, name: name, count: 1))
        }
      }
      return (port.name, sources)
    }
    return Node(
      id: cells ? first.id : first.stage, stage: first.stage, uses: uses, cells: actions.count,
      axes: axes(of: actions, cells: cells), inputs: inputs)
  }

  private static func name(
    of source: InputSource, pipeline: CheckedPipeline, cells: Bool
  ) -> (name: String, node: String?, action: Int?) {
    switch source {
    case .output(let index, let port, let label, _):
      let action = pipeline.actions[index]
      return (cells ? label : "\(action.stage).\(port)", cells ? action.id : action.stage, index)
    case .path(_, _, let label, _): return (label, nil, nil)
    }
  }

  private static func axes(of actions: [PlannedAction], cells: Bool) -> [(name: String, values: [String])] {
    guard !cells, let names = actions[0].cell?.axes.names else { return [] }
    return names.map { name in
      var values: [String] = []
      var seen: Set<String> = []
      for action in actions {
        guard let value = action.cell?.axes[name].map(CellName.print), seen.insert(value).inserted else { continue }
        values.append(value)
      }
      return (name, values)
    }
  }

  // MARK: Formats

  /// A line for each stage: name, what it uses, inputs, grid.
  package var text: String {
    let rows = nodes.map { node in
      let inputs = node.inputs.map { input in
        "\(input.port) ← "
          + input.sources.map { $0.count > 1 ? "\($0.name) × \($0.count)" : $0.name }
          .joined(separator: ", ")
      }
      let grid = node.axes.map { "\($0.name) \($0.values.joined(separator: " "))" }.joined(separator: " · ")
      return (
        name: node.cells > 1 ? "\(node.id) × \(node.cells)" : node.id, uses: node.uses,
        rest: inputs.joined(separator: "; ") + (grid.isEmpty ? "" : "  [\(grid)]")
      )
    }
    let names = rows.map(\.name.count).max() ?? 0
    let uses = rows.map(\.uses.count).max() ?? 0
    func pad(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: width - text.count) }
    let title = "\(pipeline.name) · \(pipeline.stageNames.count) stages, \(pipeline.actions.count) actions\n"
    return rows.reduce(into: title) { text, row in
      var line = "\(pad(row.name, names))  \(pad(row.uses, uses))  \(row.rest)"
      while line.last == " " { line.removeLast() }
      text += line + "\n"
    }
  }

  /// A Mermaid flowchart.
  package var mermaid: String {
    var text = "flowchart LR\n"
    visit { node, id in
      text += "  \(id)[\"\(Self.mermaidText(Self.title(node)))<br/><i>\(Self.mermaidText(node.uses))</i>\"]\n"
    } path: { name, id in
      text += "  \(id)[(\"\(Self.mermaidText(name))\")]\n"
    } edge: { from, to, port in
      text += "  \(from) -->|\(port)| \(to)\n"
    }
    return text
  }

  /// A Graphviz digraph.
  package var dot: String {
    var text = "digraph \(Self.dotText(pipeline.name)) {\n  rankdir=LR;\n  node [shape=box];\n"
    visit { node, id in
      text += "  \(id) [label=\(Self.dotText(Self.title(node) + "\n" + node.uses))];\n"
    } path: { name, id in
      text += "  \(id) [label=\(Self.dotText(name)), shape=folder];\n"
    } edge: { from, to, port in
      text += "  \(from) -> \(to) [label=\(Self.dotText(port))];\n"
    }
    return text + "}\n"
  }

  /// `{"name", "stages": […], "actions": […]}`, whatever is drawn as one node.
  package var json: JSONValue {
    let stages = nodes.map { node -> JSONValue in
      let axes = node.axes.map { (name: $0.name, value: JSONValue.array($0.values.map { .string($0) })) }
      let inputs = node.inputs.map { input in
        (name: input.port, value: JSONValue.array(input.sources.map { .string($0.name) }))
      }
      return [
        "stage": .string(node.id), "uses": .string(node.uses), "cells": JSONValue(node.cells),
        "axes": .object(JSONObject(axes)), "in": .object(JSONObject(inputs)),
      ]
    }
    let actions = pipeline.actions.map { action -> JSONValue in
      [
        "id": .string(action.id), "stage": .string(action.stage),
        "cell": action.cell.map { .string($0.description) } ?? .null, "uses": .string(action.declaration.name),
        "needs": .array(action.dependencies.map { .string(pipeline.actions[$0].id) }),
      ]
    }
    return ["name": .string(pipeline.name), "stages": .array(stages), "actions": .array(actions)]
  }

  // MARK: Small parts

  /// Visits nodes, then the paths they read, then edges, each with identifiers that any format takes.
  private func visit(
    node: (Node, String) -> Void, path: (String, String) -> Void, edge: (String, String, String) -> Void
  ) {
    var identifiers: [String: String] = [:]
    for (index, each) in nodes.enumerated() {
      identifiers[each.id] = "n\(index)"
      node(each, "n\(index)")
    }
    var paths: [String: String] = [:]
    for each in nodes {
      for input in each.inputs {
        for source in input.sources where source.node == nil && paths[source.name] == nil {
          let id = "p\(paths.count)"
          paths[source.name] = id
          path(source.name, id)
        }
      }
    }
    for each in nodes {
      for input in each.inputs {
        for source in input.sources {
          let from = source.node.flatMap { identifiers[$0] } ?? paths[source.name]
          if let from, let to = identifiers[each.id] { edge(from, to, input.port) }
        }
      }
    }
  }

  private static func title(_ node: Node) -> String { node.cells > 1 ? "\(node.id) × \(node.cells)" : node.id }

  private static func dotText(_ text: String) -> String {
    var quoted = "\""
    for character in text {
      switch character {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      default: quoted.append(character)
      }
    }
    return quoted + "\""
  }

  private static func mermaidText(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "\"": escaped += "#quot;"
      case "<": escaped += "#lt;"
      case ">": escaped += "#gt;"
      case "#": escaped += "#35;"
      default: escaped.append(character)
      }
    }
    return escaped
  }
}
