/// Words for the names in invented code.
enum CodeBank {
    /// Words that come before the name that a piece of code defines.
    static let definers: Set<String> = Set(
        """
        func function def class struct enum interface protocol fun let var val const static int long double float \
        string bool boolean char void auto record object module type fn mut final
        """.words)

    /// Words that a language or its library owns, which no definition renames.
    static let reserved: Set<String> = Set(
        """
        main self this super init new return if else for while do switch case default break continue in is as try \
        catch throw throws async await import using namespace package public private protected internal static final \
        void null nil none true false print println console system string int double float bool list map set array \
        dictionary get out where
        """.words)

    static let verbs = """
        compute merge split filter collect reverse rotate shuffle trim encode decode validate normalize count find \
        group sort convert append expand wrap pick pad mask round clamp scale parse format escape join sum average \
        repeat compare track
        """.words

    static let nouns = """
        total index value buffer queue stack token matrix vector score weight ratio header footer line column page \
        counter timer record field label offset bucket window range cursor segment block entry marker route ticket \
        badge price voltage angle height width depth level grade signal sample reading balance inventory receipt \
        calendar parcel beacon pixel palette tile
        """.words
}
