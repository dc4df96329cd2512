/// The secret that `GATE_ADMIN_TOKEN` holds.
package struct AdminToken: Sendable {
    private let bytes: [UInt8]

    /// nil for an empty text: no token is configured.
    package init?(_ text: String?) {
        guard let text, !text.isEmpty else { return nil }
        bytes = Array(text.utf8)
    }

    /// Whether `presented` is the token. How long it takes depends on `presented` alone.
    package func matches(_ presented: some StringProtocol) -> Bool {
        var difference = presented.utf8.count ^ bytes.count
        for (index, byte) in presented.utf8.enumerated() {
            difference |= Int(byte ^ bytes[index % bytes.count])
        }
        return difference == 0
    }
}

/// Who may do what at the admin address.
package struct AdminRights: Sendable {
    package enum Action: String, Sendable { case stop, resume, settle }

    /// What is known of who asks.
    package struct Caller: Sendable {
        /// The `Authorization` header.
        package var authorization: String?
        /// The user behind a unix socket, as the kernel says.
        package var uid: UInt32?
        package init(authorization: String?, uid: UInt32?) {
            self.authorization = authorization
            self.uid = uid
        }
    }

    package enum Verdict: Equatable, Sendable {
        case allowed
        /// The caller has shown no right, and a token would do.
        case needsToken(String)
        /// Nothing that the caller could show would do.
        case forbidden(String)
    }

    private let isLocal: Bool
    private let token: AdminToken?
    private let uids: Set<UInt32>

    /// `uids`: unix-socket peers that may resume and settle without the token.
    package init(address: SocketAddress, token: AdminToken?, uids: Set<UInt32>) {
        self.isLocal = address.isLocal
        self.token = token
        self.uids = uids
    }

    /// A stop is free at a loopback or unix address and needs the token elsewhere. To resume and to settle always needs the
    /// token or a listed uid: a strategy beside Gate is on loopback too, and must not lift its own stop, nor
    /// say of its own orders that they do not count.
    package func judge(_ action: Action, by caller: Caller) -> Verdict {
        if action == .stop, isLocal { return .allowed }
        if let uid = caller.uid, uids.contains(uid) { return .allowed }
        guard let token else {
            if action != .stop, !uids.isEmpty {
                return .forbidden(
                    "\(action) is for the users in admin_uids, over the unix socket; GATE_ADMIN_TOKEN is not set")
            }
            let remedy = action == .stop ? "set GATE_ADMIN_TOKEN" : "set GATE_ADMIN_TOKEN or admin_uids"
            return .forbidden("\(action) is refused to everyone here, as no right to it is configured: \(remedy)")
        }
        guard let authorization = caller.authorization else {
            return .needsToken("\(action) needs Authorization: Bearer with the token that Gate has in GATE_ADMIN_TOKEN")
        }
        let words = authorization.split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "bearer", token.matches(words[1]) else {
            return .needsToken("the token is not the one that Gate has in GATE_ADMIN_TOKEN")
        }
        return .allowed
    }
}

extension SocketAddress {
    /// Whether only this machine can reach the address: a unix socket or a loopback address.
    package var isLocal: Bool {
        switch self {
        case .unix: true
        case .tcp(let host, _): Self.isLoopback(host)
        }
    }

    private static func isLoopback(_ host: String) -> Bool {
        if host == "::1" || host.lowercased() == "localhost" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
