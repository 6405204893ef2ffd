/// A member of an archive, as its header says.
public struct ArchiveEntry: Sendable, Equatable {
  /// What a member is.
  public enum Kind: Sendable, Equatable {
    /// A regular file.
    case file
    /// A folder.
    case folder
    /// A symbolic link to a name.
    case symbolicLink(String)
    /// A second name of an earlier member.
    case hardLink(String)
    /// A device, socket or pipe.
    case special
  }

  /// The name as it stands in the archive, not checked; nil for a compressed single file, which has none.
  ///
  /// A byte that is no UTF-8 stands as `\xC4`; the name is empty where it can't be told.
  public var name: String?
  /// What it is.
  public var kind: Kind
  /// The number of bytes of the content, where the header tells it.
  public var size: Int?

  /// A member.
  public init(name: String?, kind: Kind, size: Int?) {
    self.name = name
    self.kind = kind
    self.size = size
  }
}
