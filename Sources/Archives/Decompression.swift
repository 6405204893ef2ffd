/// One compression that is undone as its data come: `feed`, then `decompress` until it gives nothing, and so on until `end`.
protocol Decompression: AnyObject {
  /// Takes the next bytes of the data, once `decompress` gave nothing; they must stay as they are until the next `feed`.
  func feed(_ bytes: UnsafeRawBufferPointer)

  /// Undoes what is there.
  ///
  /// - Parameter buffer: Where it goes.
  /// - Returns: The number of bytes; 0 where more input is needed.
  /// - Throws: The fault of damaged data, or the system's where there is no memory.
  func decompress(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError.Fault) -> Int

  /// Says that there is no more input.
  ///
  /// - Throws: The fault of data that is cut off.
  func end() throws(ArchiveError.Fault)
}
