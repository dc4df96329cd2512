import RiskRules

/// The sections `tls` and `identity`.
extension ConfigurationReader {
    func tls(_ map: inout StrictMapping, upstream: Located<SocketAddress>?) -> TLSSettings {
        var settings = TLSSettings()
        if map.has("listen") { settings.listen = section("listen", of: &map, read: listenTLS) }
        if map.has("upstream") {
            settings.upstream = section("upstream", of: &map) { upstreamTLS(&$0, address: upstream) }
        }
        return settings
    }

    private func listenTLS(_ map: inout StrictMapping) -> TLSSettings.Listen? {
        map.require("certificate", "key")
        let credentials = credentials(&map)
        let authorities = path("client_ca", &map)?.value
        return credentials.map { TLSSettings.Listen(credentials: $0, clientAuthorities: authorities) }
    }

    private func upstreamTLS(_ map: inout StrictMapping, address: Located<SocketAddress>?) -> TLSSettings.Upstream? {
        let authorities = path("ca", &map)?.value
        if map.has("certificate") || map.has("key") { map.require("certificate", "key") }
        let credentials = credentials(&map)
        let written = map.text("name")?.value
        if let name = written ?? Self.host(address?.value) {
            return TLSSettings.Upstream(authorities: authorities, credentials: credentials, name: name)
        }
        if address != nil {
            log.report(
                "\(map.path): a unix socket has no host name; write name, what the endpoint's certificate is for",
                at: map.location)
        }
        return nil
    }

    private func credentials(_ map: inout StrictMapping) -> TLSCredentials? {
        let certificate = path("certificate", &map)
        let key = path("key", &map)
        guard let certificate, let key else { return nil }
        return TLSCredentials(certificate: certificate.value, key: key.value)
    }

    private static func host(_ address: SocketAddress?) -> String? {
        if case .tcp(let host, _) = address { host } else { nil }
    }

    /// The list `identity`: each item a peer and whom it may trade for.
    func identities(
        _ map: inout StrictMapping, listen: Located<SocketAddress>?, tls: TLSSettings
    ) -> [IdentityBinding] {
        guard let items = map.list("identity") else { return [] }
        var seen: Set<IdentityBinding.Peer> = []
        var bindings: [IdentityBinding] = []
        for (index, item) in items.enumerated() {
            var entry = StrictMapping(item, path: "identity[\(index)]", log: log)
            let peer = peer(&entry)
            let accounts = patterns("accounts", &entry)
            // An order that names no strategy has an empty name.
            let strategies = patterns("strategies", &entry, allowsEmpty: true)
            entry.finish()
            guard let peer else { continue }
            check(peer.value, of: entry.path, at: peer.location, listen: listen?.value, tls: tls)
            if !seen.insert(peer.value).inserted {
                log.report(
                    "\(entry.path): this peer stands in the list before; write one item for it", at: peer.location)
            }
            bindings.append(IdentityBinding(peer: peer.value, accounts: accounts, strategies: strategies))
        }
        if items.isEmpty {
            log.report(
                "identity: an empty list lets nobody trade; name a peer, or leave identity out",
                at: map.place(of: "identity"))
        }
        return bindings
    }

    private func peer(_ entry: inout StrictMapping) -> Located<IdentityBinding.Peer>? {
        let name = entry.text("certificate")
        let user = entry.integer("uid", in: 0...Int(UInt32.max) - 1)
        switch (name, user) {
        case (let name?, nil): return Located(.certificate(name.value), at: name.location)
        case (nil, let user?): return Located(.user(UInt32(user.value)), at: user.location)
        case (_?, _?):
            log.report("\(entry.path): certificate and uid are two ways to know a peer; write one", at: entry.location)
        case (nil, nil):
            guard !entry.has("certificate"), !entry.has("uid") else { break }
            log.report(
                "\(entry.path): whose it is is missing; write certificate (a name in the client's certificate) or uid",
                at: entry.location)
        }
        return nil
    }

    private func patterns(_ key: String, _ entry: inout StrictMapping, allowsEmpty: Bool = false) -> [String] {
        guard let items = entry.list(key) else { return [] }
        let texts = items.compactMap { log.text($0, path: "\(entry.path).\(key)", allowsEmpty: allowsEmpty) }
        if items.isEmpty {
            log.report(
                "\(entry.path).\(key): an empty list covers nothing; leave \(key) out for all, or name some",
                at: entry.location)
        }
        return texts.map(\.value)
    }

    /// A binding that no connection can ever have is a mistake.
    private func check(
        _ peer: IdentityBinding.Peer, of path: String, at place: SourceLocation, listen: SocketAddress?,
        tls: TLSSettings
    ) {
        switch peer {
        case .certificate where tls.listen?.clientAuthorities == nil:
            log.report("\(path).certificate: clients show no certificate; write tls.listen.client_ca", at: place)
        case .user:
            guard let listen, case .tcp = listen else { break }
            log.report("\(path).uid: only a unix socket tells its peer's user; listen is \(listen)", at: place)
        default: break
        }
    }
}
