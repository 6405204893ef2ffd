public import ContentAddressing
import Glibc
public import SystemPackage

extension Store {
  /// Makes a folder in which the files of an artifact stand under their names, as links to the read-only blobs.
  ///
  /// This is what a running action gets as its input; it is made in no time and takes no room.
  ///
  /// - Parameters:
  ///   - manifest: The artifact.
  ///   - folder: The folder; made where there is none.
  /// - Throws: `StoreError` where the system refuses.
  public func linkFiles(of manifest: Manifest, into folder: FilePath) throws(StoreError) {
    try FileSystem.makeFolders(folder)
    for file in manifest.layers {
      guard let title = file.title else { continue }
      let place = folder.pushing(FilePath(title))
      if title.utf8.contains(UInt8(ascii: "/")) { try FileSystem.makeFolders(place.removingLastComponent()) }
      let blob = blobPath(file.digest)
      try FileSystem.call("link", place) { name in blob.withPlatformString { symlink($0, name) } }
    }
  }

  /// Writes the files of an artifact to a folder of the user's, who may change them there.
  ///
  /// The artifact is verified first: damaged bytes are never written out. The folder appears by rename when it is
  /// whole.
  ///
  /// - Parameters:
  ///   - digest: The artifact.
  ///   - folder: The folder; it must not exist.
  /// - Throws: `StoreError.damaged`, `.missing`, or a failure of the system.
  public func copyFiles(of digest: Digest, to folder: FilePath) throws(StoreError) {
    let manifest = try verify(artifact: digest)
    if try FileSystem.status(folder) != nil { throw StoreError("make the folder", folder, EEXIST) }
    let folder = folder.absolute
    let fresh = folder.removingLastComponent().appending(".new-" + nonce())
    try FileSystem.makeFolders(fresh)
    do throws(StoreError) {
      for file in manifest.layers {
        guard let title = file.title else { continue }
        let place = fresh.pushing(FilePath(title))
        try FileSystem.makeFolders(place.removingLastComponent())
        try FileSystem.copy(blobPath(file.digest), to: place)
      }
      try FileSystem.rename(fresh, to: folder)
    } catch {
      try? FileSystem.removeTree(fresh)
      throw error
    }
  }
}

extension Store {
  /// Copies a blob to a new file of the user's.
  ///
  /// - Throws: `StoreError` where the system refuses.
  public func copyFile(_ digest: Digest, to path: FilePath) throws(StoreError) {
    try FileSystem.copy(blobPath(digest), to: path)
  }
}
