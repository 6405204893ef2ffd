import CanonicalJSON
import Foundation
import SystemPackage
import TestSupport
import Testing

/// `push` and `pull` against a registry that others wrote.
@Suite(.enabled(if: DockerRegistry.program != nil, "needs docker-registry, which is not installed"))
struct RegistryTests {
  /// `user` with the password `apprentice-secret`.
  private static let passwordLine = "user:$2b$04$/c9S8/8M/R4Hm0cjER718uXlSP0DhydVl9P2m8v.6edimSSNAeyhS"
  private static let secret = "dXNlcjphcHByZW50aWNlLXNlY3JldA=="

  @discardableResult
  private func json(
    _ arguments: String..., in folder: FilePath, environment: [String: String] = [:]
  ) throws -> JSONValue {
    let outcome = try Tool.run(arguments + ["--json"], in: folder, environment: environment)
    #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
    return try JSONValue(parsing: outcome.output)
  }

  @Test("what was pushed is pulled whole and runs fresh; a second push or pull moves nothing")
  func roundTrip() throws {
    try TemporaryFolder.with { folder in
      let registry = try DockerRegistry(in: folder)
      defer { registry.stop() }
      let reference = registry.reference("group/small:v1")
      let first = try json("push", SmallBundle.pipeline, reference, "--store", SmallBundle.store, in: folder)
      #expect(first["moved_blobs"] == first["blobs"])
      #expect(first["actions"]?.integer == 3)
      let second = try json("push", SmallBundle.pipeline, reference, "--store", SmallBundle.store, in: folder)
      #expect(second["moved_blobs"]?.integer == 0)
      #expect(second["digest"] == first["digest"])
      // A folder that is not fit is found before the weights come.
      try TemporaryFolder.write("name: mine\n", to: folder.pushing("mine/small.yaml"))
      let unfit = try Tool.run("pull", reference, "--store", "two", "--to", "mine", in: folder)
      #expect(unfit.status == 2 && unfit.errors.contains("mine/small.yaml is there already"), "\(unfit.errors)")
      let pulled = try json("pull", reference, "--store", "two", "--to", "there", in: folder)
      #expect(pulled["complete"]?.integer == 3)
      #expect((pulled["moved_bytes"]?.integer ?? 0) > 3_000_000)
      #expect(try SmallBundle.isWhole(in: folder.appending("two")))
      try json("status", "there/small.yaml", "--store", "two", "--check", in: folder)
      let run = try json("run", "there/small.yaml", "--store", "two", "--no-results", in: folder)
      #expect(run["actions"]?.array?.allSatisfy { $0["state"]?.string == "fresh" } == true)
      let again = try json("pull", reference, "--store", "two", in: folder)
      #expect(again["moved_blobs"]?.integer == 0)
      #expect(again["moved_bytes"]?.integer == 0)
      try json("fsck", "--store", "two", in: folder)
      // From a store that was filled by a pull the same bundle goes out.
      let other = registry.reference("other:v1")
      let onward = try json("push", "there/small.yaml", other, "--store", "two", in: folder)
      #expect(onward["digest"] == first["digest"])
      // By its digest it is found, too.
      let digest = first["digest"]?.string ?? ""
      try json("pull", registry.reference("group/small@\(digest)"), "--store", "three", in: folder)
    }
  }

  @Test("sources travel through a registry, too")
  func sources() throws {
    try TemporaryFolder.with { folder in
      let registry = try DockerRegistry(in: folder)
      defer { registry.stop() }
      let reference = registry.reference("small:sources")
      try json("push", SmallBundle.pipeline, reference, "--with-sources", "--store", SmallBundle.store, in: folder)
      try json("pull", reference, "--store", "two", "--to", "there", in: folder)
      #expect(Fixture.exists(folder.pushing("there/rows/train.jsonl")))
    }
  }

  @Test("only what the registry lacks travels")
  func difference() throws {
    try TemporaryFolder.with { folder in
      let registry = try DockerRegistry(in: folder)
      defer { registry.stop() }
      let reference = registry.reference("small")
      let part = try json(
        "push", SmallBundle.pipeline, reference + ":corpus", "--ref", "corpus", "--store", SmallBundle.store, in: folder
      )
      let whole = try json("push", SmallBundle.pipeline, reference + ":all", "--store", SmallBundle.store, in: folder)
      let moved = try #require(whole["moved_blobs"]?.integer)
      #expect(moved > 0 && moved < (whole["blobs"]?.integer ?? 0))
      #expect((part["bytes"]?.integer ?? .max) < 100_000)
      try json("pull", reference + ":corpus", "--store", "two", in: folder)
      let pulled = try json("pull", reference + ":all", "--store", "two", in: folder)
      #expect((pulled["moved_blobs"]?.integer ?? .max) < (pulled["blobs"]?.integer ?? 0))
      #expect(pulled["complete"]?.integer == 3)
    }
  }

  @Test("a registry with a password takes the one in the Docker configuration, from the file or from a helper")
  func password() throws {
    try TemporaryFolder.with { folder in
      let registry = try DockerRegistry(in: folder, .password(Self.passwordLine))
      defer { registry.stop() }
      let host = "127.0.0.1:\(registry.port)"
      let push = ["push", SmallBundle.pipeline, registry.reference("small:v1"), "--store", SmallBundle.store]
      let refused = try Tool.run(push, in: folder, environment: ["DOCKER_CONFIG": folder.string])
      #expect(refused.status == 6)
      #expect(refused.errors.contains("docker login \(host)"), "\(refused.errors)")
      let file = folder.appending("config.json")
      try TemporaryFolder.write("{\"auths\":{\"\(host)\":{\"auth\":\"\(Self.secret)\"}}}", to: file)
      let done = try Tool.run(push, in: folder, environment: ["DOCKER_CONFIG": folder.string])
      #expect(done.status == 0, "\(done.errors)")
      #expect(!(done.errors + done.output + refused.errors).contains(Self.secret))
      // A helper is asked for this very host, and says what it has.
      let helper = """
        #!/bin/sh
        [ "$1" = get ] && [ "$(cat)" = "\(host)" ] || { echo "credentials not found"; exit 1; }
        echo '{"ServerURL":"x","Username":"user","Secret":"apprentice-secret"}'

        """
      let program = try TemporaryFolder.write(helper, to: folder.pushing("bin/docker-credential-test"))
      chmod(program.string, 0o755)
      let path = "\(folder.appending("bin")):\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")"
      let environment = ["DOCKER_CONFIG": folder.string, "PATH": path]
      for (index, text) in [
        "{\"credHelpers\":{\"\(host)\":\"test\"}}", "{\"credsStore\":\"test\"}",
        "{\"credsStore\":\"none\",\"credHelpers\":{\"\(host)\":\"test\"},\"auths\":{\"\(host)\":{\"auth\":\"eDp5\"}}}",
      ].enumerated() {
        try TemporaryFolder.write(text, to: file)
        try json(
          "pull", registry.reference("small:v1"), "--store", "store-\(index)", in: folder, environment: environment)
      }
      // What the helper does not know may stand in the file.
      try TemporaryFolder.write(
        helper.replacingOccurrences(of: host, with: "elsewhere"), to: folder.pushing("bin/docker-credential-test"))
      try TemporaryFolder.write(
        "{\"credsStore\":\"test\",\"auths\":{\"\(host)\":{\"auth\":\"\(Self.secret)\"}}}", to: file)
      try json("pull", registry.reference("small:v1"), "--store", "store-f", in: folder, environment: environment)
      // One that can't be run is named, and so is a password that is wrong.
      try TemporaryFolder.write("{\"credsStore\":\"missing\"}", to: file)
      let missing = try Tool.run(
        ["pull", registry.reference("small:v1"), "--store", "x"], in: folder, environment: environment)
      #expect(missing.status == 6)
      #expect(missing.errors.contains("docker-credential-missing"), "\(missing.errors)")
      try TemporaryFolder.write("{\"auths\":{\"\(host)\":{\"auth\":\"dXNlcjp3cm9uZw==\"}}}", to: file)
      let wrong = try Tool.run(
        ["pull", registry.reference("small:v1"), "--store", "x"], in: folder, environment: environment)
      #expect(wrong.status == 6)
      #expect(wrong.errors.contains("refuses the credentials"), "\(wrong.errors)")
    }
  }

  @Test(
    "skopeo carries a bundle out of a registry and back, every blob with its digest; its archive is imported, too",
    .enabled(if: Skopeo.program != nil, "needs skopeo, which is not installed"))
  func skopeo() throws {
    try TemporaryFolder.with { folder in
      let registry = try DockerRegistry(in: folder)
      defer { registry.stop() }
      try json("push", SmallBundle.pipeline, registry.reference("small:v1"), "--store", SmallBundle.store, in: folder)
      let place = "docker://127.0.0.1:\(registry.port)"
      try Skopeo.copy("\(place)/small:v1", "oci:layout:v1", in: folder)
      try Skopeo.copy("oci:layout:v1", "\(place)/back:v2", in: folder)
      try Skopeo.copy("\(place)/back:v2", "oci-archive:archive.tar:v2", in: folder)
      try Skopeo.copy("oci-archive:archive.tar:v2", "\(place)/again:v3", in: folder)
      for reference in ["back:v2", "again:v3"] {
        let store = String(reference.prefix(4))
        try json("pull", registry.reference(reference), "--store", store, "--to", "\(store)-files", in: folder)
        #expect(try SmallBundle.isWhole(in: folder.appending(store)))
        try json("status", "\(store)-files/small.yaml", "--store", store, "--check", in: folder)
      }
      // Blobs stand first in skopeo's archive, in the order of their names.
      try json("bundle", "verify", "archive.tar", in: folder)
      #expect(try json("bundle", "inspect", "archive.tar", in: folder)["actions"]?.array?.count == 3)
      try json("bundle", "import", "archive.tar", "--store", "imported", in: folder)
      #expect(try SmallBundle.isWhole(in: folder.appending("imported")))
      // In that order, too, nothing is believed.
      var bytes = try Fixture.bytes(folder.appending("archive.tar"))
      bytes[bytes.count / 2] ^= 1
      try Data(bytes).write(to: URL(fileURLWithPath: folder.appending("archive.tar").string))
      let damaged = try Tool.run("bundle", "import", "archive.tar", "--store", "none", in: folder)
      #expect(damaged.status == 4)
      #expect(try SmallBundle.blobs(folder.appending("none")).count == 1)
    }
  }

  @Test(
    "what is asked for wrongly is told before anything is asked",
    arguments: ["push oci://127.0.0.1:1/A:v1", "push small.yaml", "pull 127.0.0.1:1/a", "push a b oci://127.0.0.1:1/a"])
  func wrong(line: String) throws {
    try TemporaryFolder.with { folder in
      let outcome = try Tool.run(line.split(separator: " ").map(String.init), in: folder)
      #expect(outcome.status == 64, "\(outcome.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.string).isEmpty)
    }
  }

  @Test("a registry that nobody runs is status 6, and makes no store")
  func nobody() throws {
    try TemporaryFolder.with { folder in
      let outcome = try Tool.run("pull", "oci://127.0.0.1:1/a", "--store", "none", in: folder)
      #expect(outcome.status == 6)
      #expect(outcome.errors.contains("oci://127.0.0.1:1/a: no answer"), "\(outcome.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.string).isEmpty)
    }
  }

  @Test("no verb that asks no registry loads what talks to one")
  func loadedOnUse() throws {
    let store = ["--store", SmallBundle.store]
    let environment = ["LD_DEBUG": "files"]
    let status = try Tool.run(["status", SmallBundle.pipeline] + store, in: nil, environment: environment)
    #expect(status.errors.contains("libc.so"))
    #expect(!status.errors.contains("libcurl"))
    let push = try Tool.run(
      ["push", SmallBundle.pipeline, "oci://127.0.0.1:1/a:v1"] + store, in: nil, environment: environment)
    #expect(push.status == 6)
    #expect(push.errors.contains("libcurl"))
  }
}

/// A tool of others that carries images about.
enum Skopeo {
  static let program: String? = ["/usr/bin/skopeo", "/usr/local/bin/skopeo"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  static func copy(_ source: String, _ target: String, in folder: FilePath) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program ?? "/usr/bin/skopeo")
    process.arguments = [
      "--insecure-policy", "copy", "--all", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false", source,
      target,
    ]
    process.currentDirectoryURL = URL(fileURLWithPath: folder.string)
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(source) → \(target)")
  }
}
