import Glibc
import Registries
import SystemPackage
import Testing

/// What the environment says of registries.
@Suite struct OptionTests {
  @Test("time limit, trusted hosts, authorities and configuration come from variables; nonsense leaves the default")
  func environment() {
    let names = ["APPRENTICE_REMOTE_TIMEOUT", "APPRENTICE_TOKEN_HOSTS", "SSL_CERT_FILE", "DOCKER_CONFIG"]
    let before = names.map { getenv($0).map { String(cString: $0) } }
    defer {
      for (name, value) in zip(names, before) { if let value { setenv(name, value, 1) } else { unsetenv(name) } }
    }
    for (name, value) in zip(names, ["7.5", "Auth.example,b:5000", "/a/ca.pem", "/a/docker"]) { setenv(name, value, 1) }
    let options = RegistryOptions.ofEnvironment()
    #expect(options.stall == 7.5)
    #expect(options.tokenHosts == ["auth.example", "b:5000"])
    #expect(options.authorities == "/a/ca.pem")
    #expect(options.configuration.file == "/a/docker/config.json")
    for nonsense in ["", "nan", "-1", "0", "soon"] {
      setenv("APPRENTICE_REMOTE_TIMEOUT", nonsense, 1)
      #expect(RegistryOptions.ofEnvironment().stall == RegistryOptions(configuration: options.configuration).stall)
    }
    setenv("APPRENTICE_REMOTE_TIMEOUT", "inf", 1)
    #expect(RegistryOptions.ofEnvironment().stall.isFinite)
  }
}
