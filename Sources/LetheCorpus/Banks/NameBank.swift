import LetheCore

/// Invented people and places.
enum NameBank {
    static let firstNames = """
        Abel Ada Adrian Agnes Alba Albert Alina Alma Amos Andrea Anika Ansel Anton April Arlo Arthur Astrid Audrey \
        August Aurelia Barnaby Basil Beatrix Benno Bernard Bertha Bianca Boris Bridget Bruno Calista Calvin Camilla \
        Carlotta Casper Cecil Celeste Cesar Clara Clement Clio Conrad Cora Corinne Cosima Cyril Dagmar Damian Daphne \
        Darius Delia Della Desmond Dietrich Dominic Dora Dorian Edgar Edith Edmund Edwina Elias Elmer Eloise Elsa \
        Elvira Emeric Emil Enid Enzo Ernest Esme Esther Eugene Eunice Evander Faye Felix Ferdinand Fern Flavia Flora \
        Floyd Frances Frida Gaston Gemma Gerda Gideon Gilbert Gisela Giles Greta Gustav Gwen Hannes Harriet Hattie \
        Hector Hedda Helga Henrik Herman Hester Hilda Horace Hugo Ida Ignatius Imogen Ines Ingrid Irma Isidore Ivo \
        Jasper Joan Jocelyn Jonas Josefa Judith Jules Julius Justus Karina Kaspar Katrin Keziah Klaus Konstantin \
        Lambert Lars Laurel Lavinia Leander Leda Lena Leonora Leopold Linus Lionel Livia Lorenz Lotte Lucian Ludwig \
        Luisa Mabel Magnus Malcolm Marcel Margot Marius Martha Matilda Maud Maximilian Mercy Milo Minerva Mira Mona \
        Morris Muriel Myra Nadia Nathaniel Nelly Nestor Nicola Nils Noel Nora Norbert Octavia Odette Olaf Olive Orson \
        Oscar Oswald Otis Otto Pascal Paula Pearl Percy Petra Philippa Phoebe Pia Quentin Quincy Ralph Ramona Raoul \
        Regina Remy Rhoda Roland Rosalie Rowena Rufus Rupert Sabine Salome Samson Selma Seraphina Sidney Sigrid Silas \
        Simone Solveig Sophus Stella Sylvester Tabitha Tatiana Thaddeus Thea Theo Tilda Tobias Ulric Una Ursula \
        Valentin Vera Vernon Victor Viola Virgil Wallace Wanda Wendell Wilfred Wilma Winifred Xavier Yolanda Yvette \
        Zachary Zelda Zora
        """.words

    private static let surnameStarts = """
        Ald Bar Bel Brand Brin Cald Carn Cor Dal Dorn Dun Elm Fal Fen Fern Gar Gil Glen Grav Had Hal Harl Hol Hurst \
        Ing Jar Kel Kin Lam Lin Lor Mar Mel Mor Nor Oak Orm Pel Pen Quill Rav Ren Ros Sand Sel Stan Strat Tarn Tor \
        Thorn Ull Var Vel Wal War Wex Whit Win Yar Zel
        """.words
    private static let surnameEnds = """
        acott aby aldson ard arrow beck berg bourne brook bury cliff combe dale den dine ell enby erby erson field \
        ford gate grove ham hurst ick ings kirk land leigh ley low man mere mond more neth ock over quist rane ridge \
        ron sey shaw sted stone strom thorpe ton vale wick win wood worth
        """.words

    private static let placeStarts = """
        Amber Ash Bald Birch Bramble Brook Cinder Clear Clover Cold Copper Crow Dapple Drift East Elder Ember Fair \
        Fallow Fox Frost Gable Glass Gold Goose Grey Hawk Hazel Heather High Hollow Iron Ivy Kettle Lark Lime Low \
        March Mill Mist Moss Nettle New North Oat Otter Peat Pebble Pine Plum Quarry Raven Reed Rook Rush Rye Salt \
        Sedge Silver Slate South Sparrow Spring Starling Stone Straw Swan Tallow Thistle Timber Umber Vine Wren Willow \
        Winter Wool Yarrow
        """.words
    private static let placeEnds = """
        bank barrow bay bridge brow burn bury cliff combe cote creek cross dale den down end fall fell field ford \
        garth gate ham harbor haven head heath hill hollow holm hurst island keld lea ley march market mere mill \
        minster mouth pool port ridge rock shore side stead stoke thorpe ton vale view ville watch water well wick \
        wold worth
        """.words

    private static let strangeStarts = """
        Al Ar Bel Bor Cal Cyn Dar Del Dral El Es Fel Fyr Gal Gor Hes Hyl Ish Ith Jor Kal Kor Kyr Lam Lor Mar Mel Myr \
        Nal Nor Ol Or Pal Per Quor Ral Rhy Sar Sel Syl Tal Thal Tor Ul Ur Val Vel Vor Wyn Xan Yl Yor Zan Zel Zor
        """.words
    private static let strangeMiddles = "a ai an ar e el en er i il in is o ol on or u um un y ya".words
    private static let strangeEnds = """
        ba bar bor dane dar del dia don dor dra fell gan gar gon ka kan la lan len lis lith lune mar mis mor na nar \
        nesh nia nor ph ra ran ria ris ros rune sa shar sil ta tan thar thia tor va van vane vis wen xis za zar
        """.words

    static let streetTypes = """
        Street Avenue Lane Road Court Drive Way Terrace Place Crescent Loop Trail Boulevard Circle Square Walk Row Close
        """.words

    static func surname(_ generator: inout SeededGenerator) -> String {
        surnameStarts.pick(&generator) + surnameEnds.pick(&generator)
    }

    static func place(_ generator: inout SeededGenerator) -> String {
        placeStarts.pick(&generator) + placeEnds.pick(&generator)
    }

    /// The name of a people or a land that nobody has heard of.
    static func strangeName(_ generator: inout SeededGenerator) -> String {
        let middle = generator.nextInt(below: 3) == 0 ? "" : strangeMiddles.pick(&generator)
        return strangeStarts.pick(&generator) + middle + strangeEnds.pick(&generator)
    }

    static func street(_ generator: inout SeededGenerator) -> String {
        let name =
            generator.nextInt(below: 3) == 0
            ? surname(&generator) : placeStarts.pick(&generator) + " " + NameBank.streetWords.pick(&generator)
        return name + " " + streetTypes.pick(&generator)
    }

    private static let streetWords = """
        Acorn Anchor Arrow Bell Bloom Bough Branch Candle Cart Chapel Cherry Cider Clay Corner Cove Crest Dawn Dove \
        Echo Feather Fern Fiddle Gate Glade Grain Hammer Harvest Hearth Hedge Heron Ivy Juniper Kiln Kite Lantern Leaf \
        Lily Loft Maple Meadow Mirror Moon Nutmeg Orchard Owl Pear Petal Pond Quill Rain Ribbon Robin Rose Sage Shell \
        Spindle Spring Thicket Tide Tulip Velvet Violet Walnut Wheel Whistle Window
        """.words
}

extension String {
    /// The parts between white space.
    var words: [String] { split(whereSeparator: \.isWhitespace).map(String.init) }
}

extension Array {
    /// One element, each with the same chance.
    /// - Precondition: the array is not empty.
    func pick(_ generator: inout SeededGenerator) -> Element { self[generator.nextInt(below: count)] }
}
