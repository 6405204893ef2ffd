package import CanonicalJSON
package import StageKit

/// JSON Schemas (2020-12) of the files that users write, for editors.
package enum LanguageSchema {
  private static let dialect: JSONValue = "https://json-schema.org/draft/2020-12/schema"
  private static let name: JSONValue = "^[A-Za-z0-9_][A-Za-z0-9_-]*$"

  /// The schema of pipeline files, with the parameters and ports of the given stages.
  package static func pipeline(_ stages: [StageDeclaration]) -> JSONValue {
    [
      "$schema": dialect,
      "title": "Apprentice pipeline",
      "type": "object",
      "required": ["apprentice", "stages"],
      "additionalProperties": false,
      "properties": [
        "apprentice": ["const": 1, "description": "Format version."],
        "name": ["type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]*$"],
        "params": [
          "type": "object", "propertyNames": ["pattern": name],
          "description": "Values that ${name} reads and --set overrides.",
        ],
        "scales": [
          "type": "object", "propertyNames": ["pattern": name], "additionalProperties": ["type": "object"],
          "description": "Sets of values for params; the param scale names the one that holds, --set goes over it.",
        ],
        "env": [
          "type": "array", "items": ["type": "string"],
          "description": "Environment variables that ${env.NAME} may read.",
        ],
        "numerics": [
          "enum": .array(NumericsPolicy.allCases.map { .string($0.rawValue) }), "default": "native",
          "description": "portable trades speed for the same bits on other machines.",
        ],
        "stages": [
          "type": "object", "minProperties": 1, "propertyNames": ["pattern": name],
          "additionalProperties": ["$ref": "#/$defs/stage"],
        ],
      ],
      "$defs": [
        "expression": ["type": "string", "pattern": "\\$\\{[^}]+\\}"],
        "source": [
          "type": "string", "description": "stage.port, stage@axis=value.port, stage@*.port, or a path with a /.",
        ],
        "sources": ["anyOf": [["$ref": "#/$defs/source"], ["type": "array", "items": ["$ref": "#/$defs/source"]]]],
        "cell": ["type": "object", "minProperties": 1],
        "matrix": matrix,
        "stage": stageEntry(stages),
      ],
    ]
  }

  private static let matrix: JSONValue = [
    "description": "A grid: axes with lists of values, or the name of a stage whose cells are copied.",
    "anyOf": [
      ["type": "string"],
      [
        "type": "object", "minProperties": 1,
        "properties": [
          "from": ["type": "string", "description": "A stage whose cells are crossed with the other axes."],
          "exclude": [
            "type": "array", "items": ["$ref": "#/$defs/cell"], "description": "Cells to remove, whole or in part.",
          ],
          "include": [
            "type": "array", "items": ["$ref": "#/$defs/cell"], "description": "Whole cells to append.",
          ],
        ],
        "additionalProperties": ["anyOf": [["type": "array", "minItems": 1], ["$ref": "#/$defs/expression"]]],
      ],
    ],
  ]

  private static func stageEntry(_ stages: [StageDeclaration]) -> JSONValue {
    [
      "type": "object",
      "required": ["uses"],
      "additionalProperties": false,
      "properties": [
        "uses": [
          "description": "A built-in stage, or the ./folder of one of your own.",
          "anyOf": [
            ["enum": .array(stages.map { .string($0.name) })], ["type": "string", "pattern": "/"],
          ],
        ],
        "in": ["type": "object"], "with": ["type": "object"], "matrix": ["$ref": "#/$defs/matrix"],
      ],
      "allOf": .array(
        stages.map { stage in
          [
            "if": ["properties": ["uses": ["const": .string(stage.name)]]],
            "then": ["description": .string(stage.summary), "properties": entries(of: stage)],
          ]
        }),
    ]
  }

  private static func entries(of stage: StageDeclaration) -> JSONValue {
    let inputs = stage.inputs.map { port -> (name: String, value: JSONValue) in
      let reference: JSONValue = port.isMany ? "#/$defs/sources" : "#/$defs/source"
      return (port.name, ["$ref": reference, "description": .string("\(port.kind.rawValue): \(port.doc)")])
    }
    let parameters = stage.parameters.map { (name: $0.name, value: parameter($0)) }
    let required = stage.inputs.filter { !$0.isOptional }.map { JSONValue.string($0.name) }
    return [
      "in": [
        "additionalProperties": false, "properties": .object(JSONObject(inputs)), "required": .array(required),
      ],
      "with": ["additionalProperties": false, "properties": .object(JSONObject(parameters))],
    ]
  }

  private static func parameter(_ parameter: ParameterDeclaration) -> JSONValue {
    let unit = parameter.unit.map { " (\($0))" } ?? ""
    return [
      "description": .string(parameter.doc + unit), "default": parameter.defaultValue,
      "anyOf": [schema(of: parameter.type), ["$ref": "#/$defs/expression"]],
    ]
  }

  private static func schema(of type: ParameterType) -> JSONValue {
    switch type {
    case .integer(nil): ["type": "integer"]
    case .integer(let range?):
      ["type": "integer", "minimum": JSONValue(range.lowerBound), "maximum": JSONValue(range.upperBound)]
    case .number(nil): ["type": "number"]
    case .number(let range?):
      ["type": "number", "minimum": .number(range.lowerBound), "maximum": .number(range.upperBound)]
    // A plain 3 or true is a text where a text is declared.
    case .string: ["type": ["string", "number", "boolean"]]
    case .boolean: ["type": "boolean"]
    case .choice(let words): ["enum": .array(words.map { .string($0) })]
    case .list(let element):
      ["type": "array", "items": ["anyOf": [schema(of: element), ["$ref": "#/$defs/expression"]]]]
    case .map(let element):
      ["type": "object", "additionalProperties": ["anyOf": [schema(of: element), ["$ref": "#/$defs/expression"]]]]
    case .textOrMap: ["anyOf": [schema(of: .string), schema(of: .map(.string))]]
    case .optional(let wrapped): ["anyOf": [schema(of: wrapped), ["type": "null"]]]
    }
  }

  /// The schema of `stage.yaml`.
  package static let stage: JSONValue = [
    "$schema": dialect,
    "title": "Apprentice stage",
    "type": "object",
    "required": ["name", "revision", "out", "run"],
    "additionalProperties": false,
    "properties": [
      "name": ["type": "string", "pattern": name],
      "revision": [
        "type": "integer", "minimum": 0, "description": "Raised by one whenever the same inputs may give other bytes.",
      ],
      "summary": ["type": "string"],
      "in": ["type": "object", "propertyNames": ["pattern": name], "additionalProperties": ["$ref": "#/$defs/input"]],
      "out": [
        "type": "object", "propertyNames": ["pattern": name], "additionalProperties": ["$ref": "#/$defs/output"],
      ],
      "parameters": [
        "type": "object", "propertyNames": ["pattern": name], "additionalProperties": ["$ref": "#/$defs/parameter"],
      ],
      "run": [
        "type": "object", "required": ["command"], "additionalProperties": false,
        "properties": [
          "command": [
            "type": "array", "minItems": 1, "items": ["type": "string"],
            "description": "The program and its arguments.",
          ],
          "code": [
            "type": "array", "items": ["type": "string"],
            "description": "Files of the folder that the program consists of; their bytes are in the action key.",
          ],
          "environment": [
            "type": "array", "items": ["type": "string"],
            "description": "Variables that are passed to the program beside the usual ones, outside the action key.",
          ],
        ],
      ],
    ],
    "$defs": [
      "kind": ["enum": .array(ArtifactKind.allCases.map { .string($0.rawValue) })],
      "input": [
        "type": "object", "required": ["kind"], "additionalProperties": false,
        "properties": [
          "kind": ["$ref": "#/$defs/kind"], "many": ["type": "boolean"], "optional": ["type": "boolean"],
          "doc": ["type": "string"],
        ],
      ],
      "output": [
        "type": "object", "required": ["kind"], "additionalProperties": false,
        "properties": ["kind": ["$ref": "#/$defs/kind"], "doc": ["type": "string"]],
      ],
      "parameter": [
        "type": "object", "required": ["type", "default"], "additionalProperties": false,
        "properties": [
          "type": [
            "type": "string", "pattern": "^(integer|number|string|boolean|choice|(list|map) of .+s)$",
          ],
          "default": ["description": "The value where none is given; null leaves the parameter unset."],
          "range": ["type": "array", "minItems": 2, "maxItems": 2, "items": ["type": "number"]],
          "choices": ["type": "array", "items": ["type": "string"]], "unit": ["type": "string"],
          "doc": ["type": "string"], "affects_result": ["type": "boolean"],
        ],
      ],
    ],
  ]
}
