import RiskRules

extension ConfigurationReader {
    /// Where Redis may be: `address`, or `addresses`, which are tried in turn. What the environment says of either takes the
    /// place of both in the file. nil where nothing is said.
    func redisAddresses(_ map: inout StrictMapping) -> [SocketAddress]? {
        let one = map.address("address")
        let several = map.addresses("addresses")
        let isFromEnvironment = map.isOverridden("address") || map.isOverridden("addresses")
        func isGiven(_ key: String) -> Bool { isFromEnvironment ? map.isOverridden(key) : map.has(key) }
        guard isGiven("addresses") else {
            if let one { refuseAnyPort(one, path: map.path(of: "address")) }
            return one.map { [$0.value] }
        }
        let path = map.path(of: "addresses")
        let place = several?.first?.location ?? map.place(of: "addresses")
        if isGiven("address") {
            log.report("\(path): given beside \(map.path(of: "address")); write one of the two", at: place)
        }
        guard let several else { return nil }
        if several.isEmpty { log.report("\(path): an address belongs here, found none", at: place) }
        var addresses: [SocketAddress] = []
        for address in several {
            refuseAnyPort(address, path: path)
            if addresses.contains(address.value) {
                log.report("\(path): \(address.value) is listed twice", at: address.location)
            }
            addresses.append(address.value)
        }
        return addresses
    }
}
