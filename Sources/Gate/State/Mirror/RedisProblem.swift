/// What to do about an error that Redis gives, by the word that it begins with.
enum RedisProblem {
    /// nil where the words of Redis say all that there is to say.
    static func advice(for reason: String) -> String? {
        advices.first { reason.contains($0.code) }?.text
    }

    private static let advices: [(code: String, text: String)] = [
        ("NOAUTH", "it asks for a password: set GATE_REDIS_PASSWORD, and GATE_REDIS_USER where there are users"),
        ("WRONGPASS", "GATE_REDIS_USER and GATE_REDIS_PASSWORD are not those of a user of this Redis"),
        ("ERR AUTH", "it has no password: leave GATE_REDIS_PASSWORD out"),
        (
            "NOPERM",
            "Gate's user needs ~market:prices:* ~account:state:* (as configured) ~gate:* &* "
                + "+auth +select +ping +client +subscribe +get +getrange +set +pttl +scan +strlen +eval +publish"
        ),
        ("READONLY", "it is a replica, and Gate mirrors the primary only: list both in redis.addresses"),
        ("MASTERDOWN", "it is a replica without its primary: list the others in redis.addresses"),
        ("LOADING", "it is not ready yet"),
        ("DB index is out of range", "redis.prices.db and redis.accounts.db must be among its databases"),
    ]
}
