/// Words that carry grammar rather than content, and are kept in a sibling.
enum FunctionWords {
    static let all: Set<String> = Set(
        """
        a about above across after again against all almost along already also although always am among an and another \
        any anyone anything are around as at away back be became because been before behind being below beneath beside \
        between beyond both but by can cannot could did do does doing done down during each either else enough even \
        ever every everyone everything far few for from get got had has have having he hence her here hers herself him \
        himself his how however i if in indeed instead into is it its itself just least less like many may me might \
        more most much must my myself near neither no nobody none nor not nothing now of off on once one only onto or \
        other others our ours out over own per perhaps quite rather same see seen shall she should since so some \
        someone something still such than that the their theirs them themselves then there therefore these they this \
        those though through thus till to together too toward towards under until up upon us very was we were what \
        when where whether which while who whom whose why will with within without would yet you your yours yourself \
        mr mrs ms dr
        """.words)

    /// Endings by which an unknown word that begins a title is taken for an ordinary word, not for a name.
    static let ordinaryEndings = [
        "tion", "sion", "ment", "ness", "ity", "ing", "ed", "ly", "ous", "ful", "ism", "ive", "able",
    ]
}
