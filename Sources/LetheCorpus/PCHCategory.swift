import LetheCore

extension RequestCategory {
    /// The category of a text of the PCH benchmark, told from its form.
    ///
    /// A record with a name and an age, address, occupation or the like is `personal`; code, and a passage with an
    /// author, is `copyright`; a titled entry with a category and a description is `harmful`; anything else is `other`.
    public init(formOf text: String) {
        guard let fields = TextFields(text) else {
            self = .other
            return
        }
        let keys = Set(fields.fields.map(\.spokenKey))
        func has(_ names: String...) -> Bool { !keys.isDisjoint(with: names) }
        if has("name", "full name"),
            has("age", "address", "occupation", "phone", "email", "birthday", "date of birth", "job", "profession")
        {
            self = .personal
        } else if has("code", "lyrics", "poem", "passage", "excerpt", "verse", "chapter")
            || (has("title") && has("author", "artist", "composer"))
        {
            self = .copyright
        } else if has("title"), has("category", "description") {
            self = .harmful
        } else {
            self = .other
        }
    }

    /// The letter that the benchmark's name has for it: P, C or H; O for the rest.
    public var letter: String {
        switch self {
        case .personal: "P"
        case .copyright: "C"
        case .harmful: "H"
        case .other: "O"
        }
    }
}
