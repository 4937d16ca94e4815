// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeText} from "./SafeText.sol";
import {TextLines} from "./TextLines.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

/// What a certificate says: clean text, not yet escaped for any format.
struct CertificateText {
    string number;
    string mass;
    string grams;
    string tonnes;
    string project;
    string vintage;
    string firstSerial;
    string lastSerial;
    string day;
    /// The beneficiary's name; empty unless it was given.
    string name;
    /// The salted hash of a name that is withheld; empty if there is none.
    string nameHash;
    string account;
    string holder;
    string purpose;
    /// The token and chain that it can be checked on.
    string token;
    string chain;
}

/// A retirement certificate as an SVG image of 1000 x 1000. Names no other resource and runs nothing.
library CertificateArt {
    using Strings for uint256;

    /// Width for a text, by what is known of it: figures are wider than the letters that the estimate is made for.
    uint256 internal constant ROOM = 860;
    uint256 internal constant ROOM_NARROW = 760;
    uint256 internal constant ROOM_BOLD = 720;
    uint256 internal constant ROOM_DETAIL = 220;
    uint256 internal constant PARTY_HEIGHT = 284;
    /// Styles, as `_text` takes them.
    string internal constant GREY = '" fill="#6b6250';
    string internal constant ITALIC = '" font-style="italic';
    string internal constant MONOSPACE = '" font-family="monospace';

    function image(CertificateText memory text) internal pure returns (string memory) {
        return string.concat(_frame(), _amount(text), _party(text), _details(text), "</svg>");
    }

    function _frame() private pure returns (string memory) {
        return string.concat(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000" width="1000" height="1000" '
            'font-family="Georgia,\'Times New Roman\',\'Noto Serif\',\'DejaVu Serif\',serif" text-anchor="middle" '
            'fill="#2b2618"><rect width="1000" height="1000" fill="#fbf7ea"/>'
            '<g fill="none" stroke="#b8892d"><rect x="26" y="26" width="948" height="948" stroke-width="4"/>'
            '<rect x="38" y="38" width="924" height="924"/><path d="M130 818H870M400 322H600"/>',
            // The sun: its rays are the dashes of a circle, 20 of 3 on a circumference of 276.46.
            '<circle cx="500" cy="122" r="44" stroke-width="16" stroke-dasharray="3 10.823"/></g>'
            '<circle cx="500" cy="122" r="27" fill="#e0a52e"/>'
            '<text x="506" y="216" font-size="20" letter-spacing="12" fill="#8a6a1f">HELIOGRAPH</text>'
            '<text x="500" y="288" font-size="52">Certificate of Retirement</text>'
        );
    }

    function _amount(CertificateText memory text) private pure returns (string memory) {
        string memory exact = string.concat("exactly ", text.grams, " = ", text.tonnes);
        uint256 size = TextLines.fittedSize(string.concat(text.mass, " CO2e"), ROOM_BOLD, 92);
        return string.concat(
            _text(500, 424, size, '" font-weight="bold', text.mass, true),
            _text(500, 474, TextLines.fittedSize(exact, ROOM_NARROW, 22), GREY, exact, false),
            _text(500, 530, 22, ITALIC, "of greenhouse gas avoided, retired for good on behalf of", false)
        );
    }

    /// For whom, and why: the only text that strangers wrote. In the middle of the room there is for it.
    function _party(CertificateText memory text) private pure returns (string memory) {
        uint256 y = 42;
        string memory lines = "";
        if (bytes(text.name).length != 0) {
            (lines, y) = _lines(text.name, y, 42, 2, "");
        } else if (bytes(text.nameHash).length != 0) {
            lines = _text(500, y, 42, "", "Name withheld", false);
            string memory hash = _text(500, y + 40, 17, MONOSPACE, string.concat("hash ", text.nameHash), false);
            (lines, y) = (string.concat(lines, hash), y + 76);
        }
        lines = string.concat(lines, _text(500, y - 6, 20, MONOSPACE, text.account, false));
        string memory purpose = "";
        (purpose, y) = _lines(text.purpose, y + 48, 25, 3, ITALIC);
        uint256 top = 542 + (PARTY_HEIGHT - y) / 2;
        return string.concat('<g transform="translate(0 ', top.toString(), ')">', lines, purpose, "</g>");
    }

    /// A text in as many lines as it takes, at most `most`. `next`: where the line after it would stand.
    function _lines(string memory text, uint256 y, uint256 size, uint256 most, string memory style)
        private
        pure
        returns (string memory svg, uint256 next)
    {
        string[] memory lines = TextLines.wrapped(text, ROOM * 4 / size, most);
        next = y;
        for (uint256 i = 0; i < lines.length; ++i) {
            svg = string.concat(svg, _text(500, next, size, style, SafeText.inXml(lines[i]), false));
            next += size + 7;
        }
    }

    function _details(CertificateText memory text) private pure returns (string memory) {
        string memory serials = string.concat("Serials ", text.firstSerial, " to ", text.lastSerial);
        string memory source = string.concat("Credit ", text.token, " on chain ", text.chain);
        return string.concat(
            string.concat(_detail(200, "PROJECT", text.project), _detail(420, "VINTAGE", text.vintage)),
            string.concat(_detail(590, "RETIRED", text.day), _detail(790, "CERTIFICATE", text.number)),
            _text(500, 915, TextLines.fittedSize(serials, ROOM_NARROW, 19), "", serials, false),
            _text(500, 944, 13, GREY, source, false)
        );
    }

    function _detail(uint256 x, string memory label, string memory text) private pure returns (string memory) {
        uint256 size = TextLines.fittedSize(text, ROOM_DETAIL, 24);
        return string.concat(
            _text(x, 848, 13, '" letter-spacing="3" fill="#8a6a1f', label, false),
            _text(x, 878, size, "", SafeText.inXml(text), false)
        );
    }

    /// One line of text. `style`: further attributes, from one's closing quote to another's opening one. The subscript of
    /// CO2e is moved by hand, since fonts may lack the character and readers `baseline-shift`.
    function _text(uint256 x, uint256 y, uint256 size, string memory style, string memory escaped, bool isOfGas)
        private
        pure
        returns (string memory)
    {
        string memory gas = isOfGas
            ? string.concat(
                ' CO<tspan font-size="60%" dy="0.25em">2</tspan><tspan dy="-',
                (size * 15 / 100).toString(),
                '">e</tspan>'
            )
            : "";
        return string.concat(
            string.concat('<text x="', x.toString(), '" y="', y.toString(), '" font-size="', size.toString()),
            string.concat(style, '">', escaped, gas, "</text>")
        );
    }
}
