public import CanonicalJSON
public import SystemPackage

/// The file `training.json` beside a model and beside its curves: what a training was.
public enum TrainingFile {
  /// Its name.
  public static let name = "training.json"

  /// Reads the record of a folder.
  ///
  /// - Parameter folder: A model or curves.
  /// - Returns: The record; nil where there is none, or a file of that name that is something else.
  /// - Throws: `RecordError` where it is no JSON, or can't be read.
  public static func read(from folder: FilePath) throws(RecordError) -> JSONValue? {
    let file = folder.appending(name)
    guard FileContent.exists(file) else { return nil }
    let json = try FileContent.json(file)
    guard json["stage"]?.string != nil, json["updates"]?.integer != nil, json["from"]?.array != nil else { return nil }
    return json
  }

  /// Reads the record of a folder whose other files are sound whatever becomes of it: a damaged one is left out, and said.
  ///
  /// - Parameters:
  ///   - folder: A model or curves.
  ///   - warn: Told of a record that can't be read.
  /// - Returns: As `read(from:)`; nil for a damaged one, too.
  public static func readIfSound(from folder: FilePath, warn: (String) -> Void) -> JSONValue? {
    do throws(RecordError) {
      return try read(from: folder)
    } catch {
      warn("how the model was trained is left out: \(error)")
      return nil
    }
  }
}
