import Glibc
import Synchronization
package import Tensors

extension RotaryTable {
  /// The table of a configuration's first positions, all angles rounded to 32 bits as the reference computes them.
  package init(_ configuration: LlamaConfiguration, positions: Int, on device: Device) {
    let half = configuration.headWidth / 2
    let frequencies = (0..<half).map { pair in
      RotaryTable.scaled(
        1 / pow(configuration.rotaryBase, Double(2 * pair) / Double(configuration.headWidth)),
        configuration.rotaryScaling)
    }
    let shape: Shape = [positions, half]
    self.init(cosine: device.empty(shape), sine: device.empty(shape))
    let (cosine, sine) = (cosine, sine)
    device.parallelRows(positions, target: 256) { positions, _ in
      for position in positions {
        for (pair, frequency) in frequencies.enumerated() {
          let angle = Double(Float(position) * Float(frequency))
          cosine.pointer[position * half + pair] = Float(cos(angle))
          sine.pointer[position * half + pair] = Float(sin(angle))
        }
      }
    }
  }

  /// A frequency under Llama 3.1's scaling.
  private static func scaled(_ frequency: Double, _ scaling: RotaryScaling) -> Double {
    guard case .llama3(let factor, let low, let high, let originalContext) = scaling else { return frequency }
    let wave = 2 * Double.pi / frequency
    if wave > Double(originalContext) / low { return frequency / factor }
    if wave < Double(originalContext) / high { return frequency }
    let blend = (Double(originalContext) / wave - low) / (high - low)
    return (1 - blend) * frequency / factor + blend * frequency
  }
}

/// The turns of positions, made as far as sequences reach: how long a context is a file states, and a table of all of it
/// would take as much memory as the file likes.
final class RotaryTurns: Sendable {
  private let configuration: LlamaConfiguration
  private let device: Device
  private let table: Mutex<RotaryTable>

  init(_ configuration: LlamaConfiguration, on device: Device) {
    self.configuration = configuration
    self.device = device
    table = Mutex(RotaryTable(configuration, positions: min(configuration.contextLength, 256), on: device))
  }

  /// A table of at least so many positions, at most as many as the context has.
  func reaching(_ positions: Int) -> RotaryTable {
    table.withLock { table in
      if positions > table.positions {
        var count = table.positions
        while count < positions { count *= 2 }
        table = RotaryTable(configuration, positions: min(count, configuration.contextLength), on: device)
      }
      return table
    }
  }
}
