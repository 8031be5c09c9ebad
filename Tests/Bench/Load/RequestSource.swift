/// Numbered requests of one size. A connection keeps its own copy and changes the bytes that make
/// one request different from the next, so sending builds nothing.
protocol RequestSource {
    /// A whole request, head and body.
    var template: [UInt8] { get }
    /// Turns any request of this template into the one of this number.
    func stamp(_ number: Int, onto request: UnsafeMutableRawBufferPointer)
}
