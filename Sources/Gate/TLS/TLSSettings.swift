/// What the configuration says of TLS, on either side. Paths are resolved.
package struct TLSSettings: Equatable, Sendable {
    /// Of connections that clients make.
    package struct Listen: Equatable, Sendable {
        package var credentials: TLSCredentials
        /// Who vouches for clients; nil: they show no certificate.
        package var clientAuthorities: String?

        package init(credentials: TLSCredentials, clientAuthorities: String? = nil) {
            self.credentials = credentials
            self.clientAuthorities = clientAuthorities
        }
    }

    /// Of connections to the endpoint.
    package struct Upstream: Equatable, Sendable {
        /// Who vouches for the endpoint; nil: those that the system trusts.
        package var authorities: String?
        /// What the endpoint is shown where it asks.
        package var credentials: TLSCredentials?
        /// What its certificate has to be for: a host name or an IP address.
        package var name: String

        package init(authorities: String? = nil, credentials: TLSCredentials? = nil, name: String) {
            self.authorities = authorities
            self.credentials = credentials
            self.name = name
        }
    }

    package var listen: Listen?
    package var upstream: Upstream?

    package init(listen: Listen? = nil, upstream: Upstream? = nil) {
        self.listen = listen
        self.upstream = upstream
    }

    /// Every file that is named.
    package var files: [String] {
        [
            listen?.credentials.certificate, listen?.credentials.key, listen?.clientAuthorities,
            upstream?.credentials?.certificate, upstream?.credentials?.key, upstream?.authorities,
        ].compactMap { $0 }
    }

    /// Reads the files. Throws where one cannot be used, or a key is not its certificate's.
    package func load() throws(TLSError) -> TLSContexts {
        var contexts = TLSContexts()
        if let listen {
            contexts.client = try .server(listen.credentials, clientAuthorities: listen.clientAuthorities)
        }
        if let upstream {
            contexts.upstream = UpstreamTLS(
                context: try .client(authorities: upstream.authorities, credentials: upstream.credentials),
                name: upstream.name)
        }
        return contexts
    }
}

/// TLS as it is in force.
package struct TLSContexts: Sendable {
    /// nil: clients speak in clear.
    package var client: TLSContext?
    /// nil: the endpoint is spoken to in clear.
    package var upstream: UpstreamTLS?
}

/// TLS towards the endpoint.
package struct UpstreamTLS: Sendable {
    package var context: TLSContext
    /// What the endpoint's certificate has to be for: a host name or an IP address.
    package var name: String

    package init(context: TLSContext, name: String) {
        self.context = context
        self.name = name
    }
}
